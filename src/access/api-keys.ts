import { Inject, Injectable, Logger, type OnModuleDestroy } from '@nestjs/common';
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { hashOf, parseApiKeys, type KeyTable } from './api-key-list.js';
import { SCOPES, type Principal } from './principal.js';

/** Provider token of the `ApiKeySource`. */
export const API_KEY_SOURCE = Symbol('ApiKeySource');

/** Where the keys come from; config gives exactly one of them. */
export interface ApiKeySource {
  /** The value of API_KEYS. */
  text?: string;
  /** The file of API_KEYS_FILE, looked at again every 5 s: a key taken out of it is refused from then on. */
  file?: string;
  /** The hash that `ownApiKey` kept; its principal is `key:default` and may do everything. */
  own?: string;
}

const REREAD_MS = 5_000;

/** The API keys of this process, as hashes. */
@Injectable()
export class ApiKeys implements OnModuleDestroy {
  private readonly logger = new Logger(ApiKeys.name);
  private readonly timer?: NodeJS.Timeout;
  private keys: KeyTable = new Map();
  /** By which key each principal was let in; one that is read again makes a new principal. */
  private readonly sums = new WeakMap<Principal, string>();
  private taken?: string;

  /** A file that cannot be read at the start throws; later on the keys of before stay valid. */
  constructor(@Inject(API_KEY_SOURCE) private readonly source: ApiKeySource) {
    if (source.own) this.keep(new Map([[source.own, { name: 'key:default', scopes: new Set(SCOPES) }]]));
    if (source.text !== undefined) this.take(source.text);
    if (source.file === undefined) return;
    this.take(readFileSync(source.file, 'utf8'));
    this.timer = setInterval(() => void this.reread(), REREAD_MS).unref();
  }

  onModuleDestroy(): void {
    clearInterval(this.timer);
  }

  /** Whose secret this is. */
  find(secret: string): Principal | undefined {
    return this.keys.get(hashOf(secret));
  }

  /** Whether the key that this principal came with is still there and allows no less; false for whoever came without. */
  stillValid(by: Principal): boolean {
    const known = this.keys.get(this.sums.get(by) ?? '');
    return known?.name === by.name && [...by.scopes].every((scope) => known.scopes.has(scope));
  }

  /** Looks at the file again. */
  async reread(): Promise<void> {
    try {
      this.take(await readFile(this.source.file!, 'utf8'));
    } catch (error) {
      this.logger.warn(
        `API_KEYS_FILE cannot be read (${(error as { code?: string }).code}); the keys of before are kept.`,
      );
    }
  }

  private take(text: string): void {
    const sum = hashOf(text);
    if (sum === this.taken) return;
    const { keys, problems } = parseApiKeys(text);
    for (const problem of problems) this.logger.warn(`API_KEYS, ${problem}`);
    this.keep(keys);
    this.taken = sum;
  }

  private keep(keys: KeyTable): void {
    for (const [sum, principal] of keys) this.sums.set(principal, sum);
    this.keys = keys;
  }
}
