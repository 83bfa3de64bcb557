import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { resolve } from 'node:path';
import { namesGiven } from '../../config/read-settings.js';
import type { Settings } from '../../config/settings.js';
import { type Finding, looked, ok } from './finding.js';

/** The settings are well, else nobody would be here; said is which were given, never their values. */
export async function settingsFindings(settings: Settings): Promise<Finding[]> {
  const given = namesGiven();
  return [
    ok('settings', given.length > 0 ? `given: ${given.join(', ')}; all others as by default` : 'all as by default'),
    ok('modules', settings.MODULES.join(', ')),
    ...(await dataDirectory(settings)),
  ];
}

/** A key and a secret that were not given are made at the first start, and must outlive it. */
async function dataDirectory({ DATA_DIR, API_KEYS, MESSAGE_SECRET }: Settings): Promise<Finding[]> {
  const kept = [!API_KEYS && 'the API key', !MESSAGE_SECRET && 'the message secret'].filter(Boolean).join(' and ');
  if (kept === '') return [ok('data', `nothing is kept in ${DATA_DIR}`)];
  return looked('data', 'Make it writable, or set API_KEYS and MESSAGE_SECRET', async () => {
    const directory = await firstThatExists(resolve(DATA_DIR));
    await access(directory, constants.W_OK).catch(() => Promise.reject(new Error(`${directory} cannot be written to`)));
    return ok('data', `${kept} are kept in ${DATA_DIR}: it must survive restarts`);
  });
}

async function firstThatExists(path: string): Promise<string> {
  return access(path).then(
    () => path,
    () => firstThatExists(resolve(path, '..')),
  );
}
