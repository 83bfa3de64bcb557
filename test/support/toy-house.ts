import { v7 } from 'uuid';
import { DataSource } from 'typeorm';
import { Database } from '../../src/database/database.js';
import { dataSourceFor } from '../../src/database/data-sources.js';
import { sql } from '../../src/database/statement.js';
import { Broker } from '../../src/messaging/broker/broker.js';
import { Command, Event } from '../../src/messaging/contract.js';
import { type Handle, Handlers } from '../../src/messaging/handlers.js';
import { Signature } from '../../src/messaging/outbox/signature.js';
import type { TellSpan } from '../../src/messaging/spans.js';
import { messagingTables, traceColumns } from '../../src/messaging/tables.js';
import { Traffic } from '../../src/messaging/traffic.js';

@Command('beta.note', { key: 'key' })
export class Note {
  key!: string;
  n!: number;
}

@Event('beta.noted.v1', { key: 'key', heard: true })
export class Noted {
  key!: string;
  n!: number;
}

export const SECRET = 'a secret of the tests only';

/** Two toy modules, alpha and beta, with the real message path between them and a log of what was handled. */
export class ToyHouse {
  readonly handlers = new Handlers();
  private constructor(
    readonly source: DataSource,
    readonly database: Database,
    readonly traffic: Traffic,
  ) {}

  static async tables(url: string): Promise<void> {
    const source = await dataSourceFor(url, []).initialize();
    for (const schema of ['alpha', 'beta']) {
      await source.query(`CREATE SCHEMA ${schema}`);
      for (const statement of [...messagingTables(schema), ...traceColumns(schema)]) await source.query(statement);
    }
    await source.query(`CREATE TABLE beta.log (at bigserial, process text, key text, n int)`);
    await source.destroy();
  }

  /** `broker` undefined = the local carrier. */
  static async open(
    url: string,
    broker: string | string[] | undefined,
    handle: Record<string, Record<string, Handle>>,
    storedAtMost?: number,
    tell?: TellSpan,
  ): Promise<ToyHouse> {
    const source = await dataSourceFor(url, []).initialize();
    const database = new Database(source);
    const handlers = new Handlers(tell);
    for (const [module, types] of Object.entries(handle))
      for (const [type, one] of Object.entries(types)) handlers.add(module, type, one);
    const traffic: Traffic = new Traffic(
      {
        modules: new Map([
          ['alpha', database],
          ['beta', database],
        ]),
        retentionDays: 30,
        storedAtMost,
        signature: new Signature(SECRET),
      },
      handlers,
      broker ? new Broker([broker].flat(), () => traffic.queues()) : undefined,
    );
    traffic.open();
    return new ToyHouse(source, database, traffic);
  }

  /** Sends notes from alpha to beta in one transaction. */
  send(notes: Note[], trace?: string): Promise<void> {
    return this.database.transaction(async (tx) => this.traffic.of('alpha').outbox.send(tx, Note, notes, trace));
  }

  async log(): Promise<{ key: string; n: number; process: string }[]> {
    return this.source.query<{ key: string; n: number; process: string }[]>(
      'SELECT key, n, process FROM beta.log ORDER BY at',
    );
  }

  async inbox(): Promise<{ key: string | null; state: string; code: string | null; type: string }[]> {
    return this.source.query<{ key: string | null; state: string; code: string | null; type: string }[]>(
      'SELECT key, state, code, type FROM beta.inbox ORDER BY seq',
    );
  }

  async close(): Promise<void> {
    await this.traffic.close();
    await this.source.destroy();
  }
}

const LOG = sql('toy.log', 'INSERT INTO beta.log (process, key, n) VALUES ($1, $2, $3)');

/** A handler of beta that writes the log; `before` may throw or refuse. */
export const logging =
  (process = 'one', before: (note: Note) => void | Promise<void> = () => undefined): Handle =>
  async (messages, { tx }) => {
    for (const { body } of messages) {
      const note = body as Note;
      await before(note);
      await tx.run(LOG, [process, note.key, note.n]);
    }
  };

export const aKey = (): string => `key-${v7()}`;
