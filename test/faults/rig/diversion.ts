import { Client } from 'pg';
import type { Chance } from './chance.js';

const MODULES = ['orders', 'payments', 'inventory', 'notifications'];
const COLUMNS = 'lane, route, key, type, message_id, headers, body';

/**
 * Takes every message between modules out of its outbox and puts it back, in several copies, each at a moment of its
 * own: what a broker at its worst could do, without a broker. A GUC tells our own inserts from the product's.
 */
export class Diversion {
  diverted = 0;
  injected = 0;
  private running = true;
  private working: Promise<void>;

  private constructor(
    private readonly client: Client,
    private readonly chance: Chance,
    private readonly options: { copies: number; withinMs: number },
  ) {
    this.working = this.work();
  }

  static async open(
    database: string,
    chance: Chance,
    options: { copies: number; withinMs: number },
  ): Promise<Diversion> {
    const client = new Client({ connectionString: database });
    await client.connect();
    await client.query(`CREATE SCHEMA faults;
      CREATE TABLE faults.diverted (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, module text, due timestamptz,
        lane smallint, route text, key text, type text, message_id uuid, headers text, body text);
      CREATE FUNCTION faults.divert() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF NEW.route NOT LIKE 'internal:%' OR current_setting('faults.inject', true) = 'on' THEN RETURN NEW; END IF;
        INSERT INTO faults.diverted (module, ${COLUMNS}) VALUES (TG_TABLE_SCHEMA, NEW.lane, NEW.route, NEW.key, NEW.type,
          NEW.message_id, NEW.headers, NEW.body);
        RETURN NULL; END $$;`);
    for (const module of MODULES)
      await client.query(
        `CREATE TRIGGER divert BEFORE INSERT ON ${module}.outbox FOR EACH ROW EXECUTE FUNCTION faults.divert()`,
      );
    await client.query(`SET faults.inject = 'on'`);
    return new Diversion(client, chance, options);
  }

  /** Nothing is diverted any more, and what was is put back. */
  async close(): Promise<void> {
    this.running = false;
    await this.working;
    for (const module of MODULES) await this.client.query(`DROP TRIGGER divert ON ${module}.outbox`);
    while ((await this.putBack(true)) > 0);
    await this.client.end();
  }

  private async work(): Promise<void> {
    while (this.running) {
      await this.scatter();
      await this.putBack(false);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** Gives each new row its copies, each due at a moment drawn for it. */
  private async scatter(): Promise<void> {
    const { rows } = await this.client.query<{ id: string }>(
      'SELECT id FROM faults.diverted WHERE due IS NULL ORDER BY id',
    );
    if (rows.length === 0) return;
    this.diverted += rows.length;
    const { copies, withinMs } = this.options;
    const drawn = rows.flatMap(({ id }) =>
      Array.from({ length: copies }, () => ({ id, ms: this.chance.below(withinMs) })),
    );
    await this.client.query(
      `WITH gone AS (DELETE FROM faults.diverted WHERE due IS NULL AND id = ANY($1::bigint[]) RETURNING *)
       INSERT INTO faults.diverted (module, due, ${COLUMNS})
       SELECT module, now() + u.ms * interval '1 ms', ${COLUMNS} FROM gone JOIN unnest($1::bigint[], $2::int[]) u(id, ms) USING (id)`,
      [drawn.map((d) => d.id), drawn.map((d) => d.ms)],
    );
  }

  private async putBack(all: boolean): Promise<number> {
    if (all) await this.scatter();
    let moved = 0;
    for (const module of MODULES) {
      const { rowCount } = await this.client.query(
        `WITH gone AS (DELETE FROM faults.diverted WHERE module = $1 AND due IS NOT NULL AND ($2 OR due <= now()) RETURNING *)
         INSERT INTO ${module}.outbox (${COLUMNS}) SELECT ${COLUMNS} FROM gone ORDER BY due`,
        [module, all],
      );
      moved += rowCount ?? 0;
    }
    this.injected += moved;
    return moved;
  }
}
