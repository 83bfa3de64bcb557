import { readdirSync, readFileSync } from 'node:fs';
import type { Client } from 'pg';

const MODULES = ['orders', 'payments', 'inventory', 'notifications'];
/** Work, not memory: whatever goes through them, these stay small. */
const WORKING = ['outbox', 'inbox', 'effects', 'timers'];

/** What a running house costs at one moment. */
export interface Sample {
  atMs: number;
  rssMb: number;
  handles: number;
  sessions: number;
  /** MB with indexes, dead rows included. */
  workingMb: Record<string, number>;
}

/** Measures a process of this machine and its database. */
export async function sample(pid: number, database: Client): Promise<Sample> {
  const { rows: sessions } = await database.query<{ n: number }>(
    `SELECT count(*)::int AS n FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'sanmon%'`,
  );
  const { rows: sizes } = await database.query<{ name: string; mb: number }>(
    `SELECT n.nspname || '.' || c.relname AS name, pg_total_relation_size(c.oid)::float8 / 1048576 AS mb
       FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE n.nspname = ANY($1) AND c.relname = ANY($2) AND c.relkind = 'r'`,
    [MODULES, WORKING],
  );
  return {
    atMs: performance.now(),
    rssMb: Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) / 1_024,
    handles: readdirSync(`/proc/${pid}/fd`).length,
    sessions: sessions[0]!.n,
    workingMb: Object.fromEntries(sizes.map(({ name, mb }) => [name, mb])),
  };
}

/** MB an hour, by least squares. */
export function slopeOf(samples: Sample[]): number {
  const mean = (of: number[]) => of.reduce((a, b) => a + b, 0) / of.length;
  const [t, m] = [mean(samples.map((s) => s.atMs)), mean(samples.map((s) => s.rssMb))];
  const over = samples.reduce((sum, s) => sum + (s.atMs - t) * (s.rssMb - m), 0);
  return (over / samples.reduce((sum, s) => sum + (s.atMs - t) ** 2, 0)) * 3_600_000;
}

/** The largest any of these tables ever was. */
export function largest(samples: Sample[]): { name: string; mb: number } {
  const all = samples.flatMap((s) => Object.entries(s.workingMb).map(([name, mb]) => ({ name, mb })));
  return all.reduce((a, b) => (b.mb > a.mb ? b : a));
}
