import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { Logger } from '@nestjs/common';
import type { DataSource } from 'typeorm';
import type { ApiKeySource } from './access/api-keys.js';
import { ownApiKey } from './access/own-api-key.js';
import { STORAGES } from './app.module.js';
import { databaseUrlOf, type ModuleName, type Settings } from './config/settings.js';
import { Database } from './database/database.js';
import { dataSourceFor, opened } from './database/data-sources.js';
import { startEmbeddedPostgres } from './database/embedded/embedded-postgres.js';
import { Broker } from './messaging/broker.js';
import { Handlers } from './messaging/handlers.js';
import { Signature } from './messaging/signature.js';
import { Traffic } from './messaging/traffic.js';
import { startSandbox } from './payments/providers/sandbox/server.js';

/** What the house stands on, open: databases, broker, provider, keys. */
export interface Foundations {
  sources: DataSource[];
  traffic: Traffic;
  keys: ApiKeySource;
  /** The key made at this first start; it is never shown again. */
  newKey?: string;
  sandboxUrl: string;
  /** Where the embedded server keeps its files, if it is the one in use. */
  embedded?: string;
  close(): Promise<void>;
}

/** Brings up what is missing and opens what is there. */
export async function layFoundations(settings: Settings): Promise<Foundations> {
  const dataDir = resolve(settings.DATA_DIR);
  await mkdir(dataDir, { recursive: true });
  const closers: (() => Promise<unknown>)[] = [];
  try {
    const { url: common, directory } = await commonDatabase(settings, dataDir, closers);
    const urlOf = (module: ModuleName) => databaseUrlOf(settings, module) ?? common!;
    const { sources, databases } = await openDatabases(settings, urlOf);
    const [sandboxUrl, secret, own] = await Promise.all([
      sandbox(settings, urlOf, closers),
      settings.MESSAGE_SECRET ?? ownSecret(dataDir),
      settings.API_KEYS === undefined ? ownApiKey(dataDir) : undefined,
    ]);
    return {
      sources,
      traffic: trafficOf(settings, databases, secret),
      keys: keysOf(settings, own?.hash),
      newKey: own?.printedOnce,
      sandboxUrl,
      embedded: directory,
      close: () => closeAll(closers),
    };
  } catch (error) {
    await closeAll(closers);
    throw error;
  }
}

const closeAll = async (closers: (() => Promise<unknown>)[]): Promise<void> => {
  for (const close of closers.reverse()) await close();
};

/** The embedded server, when some module of this process has no database of its own. */
async function commonDatabase(
  settings: Settings,
  dataDir: string,
  closers: (() => Promise<unknown>)[],
): Promise<{ url?: string; directory?: string }> {
  if (settings.MODULES.every((module) => databaseUrlOf(settings, module))) return {};
  const postgres = await startEmbeddedPostgres({ directory: join(dataDir, 'postgres'), owner: settings.owner });
  closers.push(() => postgres.stop());
  return { url: postgres.url, directory: postgres.directory };
}

/** One pool for each distinct database; modules in one database share it. */
async function openDatabases(
  settings: Settings,
  urlOf: (module: ModuleName) => string,
): Promise<{ sources: DataSource[]; databases: Map<ModuleName, Database> }> {
  const byUrl = new Map<string, ModuleName[]>();
  for (const module of settings.MODULES) byUrl.set(urlOf(module), [...(byUrl.get(urlOf(module)) ?? []), module]);
  const databases = new Map<ModuleName, Database>();
  const sources = await Promise.all(
    [...byUrl].map(async ([url, modules]) => {
      const storages = modules.map((module) => STORAGES[module]);
      const source = await opened(dataSourceFor(url, storages, settings.DATABASE_POOL_SIZE), storages);
      const database = new Database(source);
      for (const module of modules) databases.set(module, database);
      return source;
    }),
  );
  return { sources, databases };
}

/** The payment sandbox: one that runs elsewhere, or one of our own beside us, with its ledger in its own schema. */
async function sandbox(
  settings: Settings,
  urlOf: (module: ModuleName) => string,
  closers: (() => Promise<unknown>)[],
): Promise<string> {
  if (settings.PAYMENT_SANDBOX_URL) return settings.PAYMENT_SANDBOX_URL;
  if (!settings.MODULES.includes('payments')) return '';
  const logger = new Logger('Sandbox');
  const started = await startSandbox({ databaseUrl: urlOf('payments'), warn: (line) => logger.warn(line) });
  closers.push(() => started.close());
  return started.url;
}

function trafficOf(settings: Settings, databases: Map<ModuleName, Database>, secret: string): Traffic {
  let traffic: Traffic | undefined = undefined;
  const broker =
    settings.RABBITMQ_URL.length > 0 ? new Broker(settings.RABBITMQ_URL, () => traffic?.queues() ?? []) : undefined;
  const options = {
    modules: databases,
    retentionDays: settings.IDEMPOTENCY_RETENTION_DAYS,
    signature: new Signature(secret),
  };
  traffic = new Traffic(options, new Handlers(), broker);
  return traffic;
}

const keysOf = (settings: Settings, own?: string): ApiKeySource =>
  settings.API_KEYS_FILE ? { file: settings.API_KEYS_FILE } : { text: settings.API_KEYS, own };

/** The secret of a house that was given none: made once, kept in DATA_DIR. Linked, so that two starts agree on one. */
async function ownSecret(dataDir: string): Promise<string> {
  const file = join(dataDir, 'message-secret');
  if (!existsSync(file)) {
    const draft = `${file}.${process.pid}`;
    await writeFile(draft, randomBytes(32).toString('base64url'), { mode: 0o600 });
    await link(draft, file).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
    await rm(draft);
  }
  return (await readFile(file, 'utf8')).trim();
}
