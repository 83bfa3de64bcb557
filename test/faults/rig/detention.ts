import { Client } from 'pg';

const COLUMNS = 'lane, route, key, type, message_id, headers, body';

/** Keeps messages of one type back on their way out of a module's outbox, until it lets them go: late, in order, once. */
export class Detention {
  private constructor(
    private readonly client: Client,
    private readonly module: string,
  ) {}

  static async of(database: string, module: string, type: string): Promise<Detention> {
    const client = new Client({ connectionString: database });
    await client.connect();
    await client.query(`CREATE SCHEMA IF NOT EXISTS faults;
      CREATE TABLE faults.detained (id bigint GENERATED ALWAYS AS IDENTITY, LIKE ${module}.outbox);
      ALTER TABLE faults.detained ALTER seq DROP NOT NULL, ALTER at DROP NOT NULL;
      CREATE FUNCTION faults.detain() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF current_setting('faults.release', true) = 'on' THEN RETURN NEW; END IF;
        INSERT INTO faults.detained (${COLUMNS}) VALUES (NEW.lane, NEW.route, NEW.key, NEW.type, NEW.message_id, NEW.headers, NEW.body);
        RETURN NULL; END $$;
      CREATE TRIGGER detain BEFORE INSERT ON ${module}.outbox FOR EACH ROW
        WHEN (NEW.type = '${type}' AND NEW.route LIKE 'internal:%') EXECUTE FUNCTION faults.detain();
      SET faults.release = 'on'`);
    return new Detention(client, module);
  }

  async count(): Promise<number> {
    const { rows } = await this.client.query<{ n: number }>('SELECT count(*)::int AS n FROM faults.detained');
    return rows[0]!.n;
  }

  /** Lets everything go, and keeps nothing back any more. */
  async release(): Promise<void> {
    await this.client.query(`DROP TRIGGER detain ON ${this.module}.outbox;
      INSERT INTO ${this.module}.outbox (${COLUMNS}) SELECT ${COLUMNS} FROM faults.detained ORDER BY id;
      DROP TABLE faults.detained`);
    await this.client.end();
  }
}
