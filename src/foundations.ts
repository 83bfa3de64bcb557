import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { Logger } from '@nestjs/common';
import type { DataSource } from 'typeorm';
import type { ApiKeySource } from './access/api-keys.js';
import { ownApiKey } from './access/own-api-key.js';
import type { ModuleName, Settings } from './config/settings.js';
import { Database } from './database/database.js';
import { dataSourceFor, opened } from './database/data-sources.js';
import { commonDatabase, nameOf, type Place, placesOf } from './databases.js';
import { sortedKeys } from './gates/amqp/routing.js';
import { Broker } from './messaging/broker/broker.js';
import { Handlers } from './messaging/handlers.js';
import { openTraces } from './house-traces.js';
import { Signature } from './messaging/outbox/signature.js';
import type { TellSpan } from './messaging/spans.js';
import { Traffic } from './messaging/traffic.js';
import { startSandbox } from './payments/providers/sandbox/server.js';

/** What the house stands on, open: databases, broker, provider, keys. */
export interface Foundations {
  /** By the names of {@link nameOf}. */
  sources: Map<string, DataSource>;
  traffic: Traffic;
  keys: ApiKeySource;
  /** The key made at this first start; it is never shown again. */
  newKey?: string;
  sandboxUrl: string;
  /** Where finished spans are told; absent = nowhere. */
  tellSpan?: TellSpan;
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
    const traces = await openTraces(settings);
    if (traces) closers.push(() => traces.close());
    const common = await commonDatabase(settings);
    if (common) closers.push(() => common.stop());
    const places = placesOf(settings, common?.url);
    const { sources, databases } = await openDatabases(settings, places);
    const [sandboxUrl, secret, own] = await Promise.all([
      sandbox(settings, places, closers),
      settings.MESSAGE_SECRET ?? ownSecret(dataDir),
      settings.API_KEYS === undefined ? ownApiKey(dataDir) : undefined,
    ]);
    return {
      sources,
      traffic: trafficOf(settings, databases, secret, traces?.tell),
      keys: keysOf(settings, own?.hash),
      newKey: own?.printedOnce,
      sandboxUrl,
      tellSpan: traces?.tell,
      embedded: common?.directory,
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

/** One pool for each distinct database; modules in one database share it. */
async function openDatabases(
  settings: Settings,
  places: Place[],
): Promise<{ sources: Map<string, DataSource>; databases: Map<ModuleName, Database> }> {
  const databases = new Map<ModuleName, Database>();
  const open = await Promise.all(
    places.map(async (place) => {
      const { url, modules, storages } = place;
      const source = await opened(dataSourceFor(url, storages, settings.DATABASE_POOL_SIZE), storages);
      const database = new Database(source);
      for (const module of modules) databases.set(module, database);
      return [nameOf(place, places), source] as const;
    }),
  );
  return { sources: new Map(open), databases };
}

/** The payment sandbox: one that runs elsewhere, or one of our own beside us, with its ledger in its own schema. */
async function sandbox(settings: Settings, places: Place[], closers: (() => Promise<unknown>)[]): Promise<string> {
  if (settings.PAYMENT_SANDBOX_URL) return settings.PAYMENT_SANDBOX_URL;
  const own = places.find(({ modules }) => modules.includes('payments'));
  if (!own) return '';
  const logger = new Logger('Sandbox');
  const started = await startSandbox({ databaseUrl: own.url, warn: (line) => logger.warn(line) });
  closers.push(() => started.close());
  return started.url;
}

function trafficOf(settings: Settings, databases: Map<ModuleName, Database>, secret: string, tell?: TellSpan): Traffic {
  let traffic: Traffic | undefined = undefined;
  const broker =
    settings.RABBITMQ_URL.length > 0 ? new Broker(settings.RABBITMQ_URL, () => traffic?.queues() ?? []) : undefined;
  const options = {
    modules: databases,
    retentionDays: settings.IDEMPOTENCY_RETENTION_DAYS,
    signature: new Signature(secret),
    sorted: sortedKeys,
  };
  traffic = new Traffic(options, new Handlers(tell), broker);
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
