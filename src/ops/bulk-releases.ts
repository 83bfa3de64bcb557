import type { Scope } from '../access/principal.js';
import type { Database } from '../database/database.js';
import { sql } from '../database/statement.js';
import type { Tx } from '../database/transaction.js';
import { newId } from '../id.js';
import type { ReleaseOperation } from './index.js';
import type { MessageFilter } from './release-messages.js';
import { storedStates } from './stored-message.js';
import { MATCHES, type Narrowing, values } from './stored-messages.js';

/** A release of many messages, as far as one module is concerned. */
export interface BulkRelease extends Record<string, unknown> {
  id: string;
  by: string;
  scopes: Scope[];
  filter: string;
}

/** The same with its progress. */
export interface Progressed extends BulkRelease {
  at: Date;
  doneAt: Date | null;
  selected: number;
  released: number;
  failed: number;
  /** Modules that do not know of it yet. */
  tell: string[];
}

/** How many are released together, and how long the next wait: 50 a second for each release and module. */
export const CHUNK = 50;
export const PAUSE_MS = 1_000;

/** What one release of many may touch: it never reaches for what waits in its order, or was answered. */
export const narrowingOf = ({ state = 'PARKED', type, key, code }: MessageFilter): Narrowing => ({
  states: storedStates(state),
  type,
  key,
  code,
});

/** Releases of many messages that are under way in one module. What matches later than it was asked for is not touched. */
export class BulkReleases {
  private readonly text: ReturnType<typeof statements>;

  constructor(
    schema: string,
    private readonly database: Database,
  ) {
    this.text = statements(schema);
  }

  /** Stores one, with the modules that are to be told; does nothing when it is known. */
  async begin(tx: Tx, { id, by, scopes, filter }: BulkRelease, tell: string[]): Promise<void> {
    const narrowing = narrowingOf(JSON.parse(filter) as MessageFilter);
    await tx.run(this.text.begin, [...values(narrowing), id, by, scopes, filter, tell]);
  }

  async find(id: string): Promise<Progressed | undefined> {
    return this.database.read((tx) => this.read(tx, id));
  }

  async read(tx: Tx, id: string): Promise<Progressed | undefined> {
    const [row] = await tx.rows<Progressed>(this.text.find, [id]);
    return row;
  }

  /** Those that other modules do not all know of. */
  async untold(): Promise<Progressed[]> {
    return this.database.rows<Progressed>(this.text.untold);
  }

  async told(id: string, modules: string[]): Promise<void> {
    await this.database.rows(this.text.told, [id, modules]);
  }

  /** The next one that is due, locked so that replicas do not work on it together, with the ids of its next messages. */
  async next(tx: Tx): Promise<{ release: BulkRelease; ids: string[] } | undefined> {
    const [release] = await tx.rows<BulkRelease & { position: string; upto: string }>(this.text.next);
    if (!release) return undefined;
    const narrowing = narrowingOf(JSON.parse(release.filter) as MessageFilter);
    const found = await tx.rows<{ id: string; seq: string }>(this.text.chunk, [
      ...values(narrowing),
      release.position,
      release.upto,
      CHUNK,
    ]);
    await tx.run(this.text.move, [release.id, found.at(-1)?.seq ?? release.upto, found.length < CHUNK, PAUSE_MS]);
    return { release, ids: found.map((f) => f.id) };
  }

  async count(tx: Tx, id: string, released: number, failed: number): Promise<void> {
    await tx.run(this.text.count, [id, released, failed]);
  }
}

/** The rows of all modules as one operation: done when each knows of it and has finished. */
export function operationOf(rows: Progressed[]): ReleaseOperation {
  const [first] = rows as [Progressed];
  const running = rows.some((row) => row.doneAt === null || row.tell.length > 0);
  const sum = (of: 'selected' | 'released' | 'failed') => rows.reduce((all, row) => all + row[of], 0);
  const last = Math.max(...rows.map((row) => row.doneAt?.getTime() ?? 0));
  return {
    id: newId('opn', first.id),
    state: running ? 'RUNNING' : 'DONE',
    filter: JSON.parse(first.filter) as object,
    by: first.by,
    at: new Date(Math.min(...rows.map((row) => row.at.getTime()))).toISOString(),
    ...(!running && { doneAt: new Date(last).toISOString() }),
    selected: sum('selected'),
    released: sum('released'),
    failed: sum('failed'),
  };
}

const statements = (schema: string) => {
  const named = (name: string, text: string) => sql(`${schema}.bulk.${name}`, text);
  const all = `SELECT id, by, scopes, filter, tell, at, done_at AS "doneAt", selected, released, failed FROM ${schema}.bulk_releases`;
  return {
    begin: named(
      'begin',
      `INSERT INTO ${schema}.bulk_releases (id, by, scopes, filter, tell, upto, selected)
       SELECT $5::uuid, $6::text, $7::text[], $8::text, $9::text[], coalesce(max(i.seq), 0), count(*) FROM ${schema}.inbox i WHERE ${MATCHES}
       ON CONFLICT DO NOTHING`,
    ),
    find: named('find', `${all} WHERE id = $1::uuid`),
    untold: named('untold', `${all} WHERE tell <> '{}'`),
    told: named(
      'told',
      `UPDATE ${schema}.bulk_releases SET tell = ARRAY(SELECT m FROM unnest(tell) m WHERE m <> ALL($2::text[])) WHERE id = $1`,
    ),
    next: named(
      'next',
      `SELECT id, by, scopes, filter, position::text, upto::text FROM ${schema}.bulk_releases
        WHERE done_at IS NULL AND next_at <= now() ORDER BY next_at LIMIT 1 FOR UPDATE SKIP LOCKED`,
    ),
    chunk: named(
      'chunk',
      `SELECT i.message_id AS id, i.seq::text FROM ${schema}.inbox i
        WHERE ${MATCHES} AND i.seq > $5::bigint AND i.seq <= $6::bigint ORDER BY i.seq LIMIT $7`,
    ),
    move: named(
      'move',
      `UPDATE ${schema}.bulk_releases SET position = $2, done_at = CASE WHEN $3 THEN now() END,
              next_at = now() + make_interval(secs => $4::float8 / 1000) WHERE id = $1`,
    ),
    count: named(
      'count',
      `UPDATE ${schema}.bulk_releases SET released = released + $2, failed = failed + $3 WHERE id = $1`,
    ),
  };
};
