import { Client } from 'pg';

const SCHEMAS = ['orders', 'inventory', 'payments', 'notifications'];

/**
 * Holds every table of the house while `work` is done, so that sets in flight stay in flight and all others wait for them;
 * for less than the 5 s after which the house gives up (`lock_timeout`).
 */
export async function withTablesHeld(databaseUrl: string, work: () => Promise<void>): Promise<void> {
  const client = new Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    await hold(client);
    await work();
  } finally {
    await client.query('ROLLBACK');
    await client.end();
  }
}

/** A transaction of the house may hold one table and want the next: then we let go and begin again. */
async function hold(client: Client): Promise<void> {
  for (;;) {
    await client.query(`BEGIN; SET LOCAL lock_timeout = '100ms'`);
    try {
      await client.query(
        `DO $$ DECLARE one text; BEGIN
           FOR one IN SELECT format('%I.%I', schemaname, tablename) FROM pg_tables
             WHERE schemaname IN (${SCHEMAS.map((schema) => `'${schema}'`).join()}) ORDER BY 1
           LOOP EXECUTE 'LOCK TABLE ' || one || ' IN ACCESS EXCLUSIVE MODE'; END LOOP;
         END $$`,
      );
      return;
    } catch (error) {
      if (!['55P03', '40P01'].includes((error as { code: string }).code)) throw error;
      await client.query('ROLLBACK');
    }
  }
}

/** Holds idempotency keys of the key `shop` as a call does that is still running, until what is answered is called. */
export async function holdKeys(
  databaseUrl: string,
  keys: { operation: string; key: string }[],
): Promise<() => Promise<void>> {
  const client = new Client({ connectionString: databaseUrl });
  await client.connect();
  await client.query('SET idle_in_transaction_session_timeout = 0; BEGIN');
  for (const { operation, key } of keys) {
    // An act of the repair desk is done in the module that has the message.
    const schemas = operation.startsWith('ops.') ? SCHEMAS : [operation.split('.')[0]!];
    for (const schema of schemas)
      await client.query(
        `INSERT INTO ${schema}.idempotency_keys (principal, operation, key, fingerprint, outcome) VALUES ('key:shop', $1, $2, '', '{}')`,
        [operation, key],
      );
  }
  return async () => {
    await client.query('ROLLBACK');
    await client.end();
  };
}
