import type { Stage } from './stage.js';

/**
 * A bug, as far as the product can tell: a row of this table for which the condition holds cannot be written. `cure`
 * mends it. The condition is SQL over NEW, e.g. `NEW.customer_id = 'poisoned'`.
 */
export async function poison(stage: Stage, table: string, condition: string): Promise<{ cure(): Promise<void> }> {
  await stage.rows(`CREATE SCHEMA IF NOT EXISTS faults;
    CREATE OR REPLACE FUNCTION faults.surprise() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      RAISE EXCEPTION 'a bug of this version'; END $$;
    CREATE TRIGGER surprise BEFORE INSERT OR UPDATE ON ${table} FOR EACH ROW WHEN (${condition}) EXECUTE FUNCTION faults.surprise()`);
  return { cure: async () => void (await stage.rows(`DROP TRIGGER surprise ON ${table}`)) };
}
