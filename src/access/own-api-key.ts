import { randomBytes } from 'node:crypto';
import { constants, copyFile, link, mkdir, readFile, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hashOf } from './api-key-list.js';

/** A new secret: 256 random bits. */
export const generateApiKey = (): string => `sk_${randomBytes(32).toString('base64url')}`;

/**
 * The key of an installation without API_KEYS: made at the first start, kept as a hash in `<dataDir>/api-key.json`.
 * `printedOnce` is the secret, given to the one process that made it and to nobody ever again.
 */
export async function ownApiKey(dataDir: string): Promise<{ hash: string; printedOnce?: string }> {
  const file = join(dataDir, 'api-key.json');
  const kept = await keptIn(file);
  if (kept) return { hash: kept };
  const secret = generateApiKey();
  await mkdir(dataDir, { recursive: true });
  if (await keepOnce(file, { hash: hashOf(secret), createdAt: new Date().toISOString() })) {
    return { hash: hashOf(secret), printedOnce: secret };
  }
  return { hash: (await keptIn(file))! };
}

async function keptIn(file: string): Promise<string | undefined> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (text === undefined) return undefined;
  const found = /"hash"\s*:\s*"([0-9a-f]{64})"/.exec(text)?.[1];
  if (!found)
    throw new Error('api-key.json in DATA_DIR is damaged. Remove it and a new key is made at the next start.');
  return found;
}

/**
 * Writes a file whole or not at all, and only if it is not there. Linking is what makes two processes agree: of two
 * renames the second would win, after the first had printed a key that is worth nothing.
 */
async function keepOnce(file: string, content: object): Promise<boolean> {
  const draft = `${file}.${randomBytes(6).toString('hex')}`;
  await writeFile(draft, `${JSON.stringify(content)}\n`, { mode: 0o600, flag: 'wx', flush: true });
  try {
    await link(draft, file).catch((error: NodeJS.ErrnoException) => {
      // Some network and FAT file systems have no links: still exclusive, only not whole at once.
      if (['EPERM', 'ENOTSUP', 'ENOSYS'].includes(error.code ?? ''))
        return copyFile(draft, file, constants.COPYFILE_EXCL);
      throw error;
    });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    await unlink(draft);
  }
}
