import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { freePort } from '../../test/support/ports.js';
import type { Target } from '../load/job.js';
import { ORDERS } from '../load/orders.js';
import { type Candidate, KEY, type Place } from './candidate.js';

const START_MS = 60_000;
const STOP_MS = 20_000;
const ASK_AGAIN_MS = 3;
/** Answered orders are looked for in the database this often at most; the question costs more as orders grow. */
const LOOK_AGAIN_MS = 50;
/** What is measured goes on until the end is noticed, so it is looked for at least this often. */
const LOOK_AT_LEAST_MS = 1_000;
const COUNT_AGAIN_MS = 20_000;
const STUCK_MS = 60_000;

/** Every process started here and not yet ended: none outlives the bench, however it ends. */
const alive = new Set<ChildProcess>();
process.on('exit', () => alive.forEach((child) => child.kill('SIGKILL')));

/** Where a candidate is to be started. */
export interface Ground {
  databaseUrl: string;
  brokerUrl: string;
  /** For logs and data directories. */
  directory: string;
}

/** A candidate that runs. */
export class Running {
  private constructor(
    readonly candidate: Candidate,
    readonly target: Target,
    /** From the spawn to the answer to the first order, milliseconds. */
    readonly firstOrderMs: number,
    private readonly children: ChildProcess[],
    private readonly observer: Client,
    readonly observerPid: number,
  ) {}

  /** Starts it and places a first order. */
  static async start(candidate: Candidate, ground: Ground): Promise<Running> {
    const places = await placesFor(candidate, ground);
    const began = performance.now();
    const children = places.map((place) => launch(candidate, place));
    try {
      await Promise.all(places.map((place, n) => firstOrder(place, children[n]!)));
      const firstOrderMs = performance.now() - began;
      const observer = new Client({ connectionString: ground.databaseUrl });
      // When a run is broken off the server goes first; whoever still asks is told by the question itself.
      observer.on('error', () => undefined);
      await observer.connect();
      const { rows } = await observer.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
      const target: Target = {
        rest: places.map(({ port }) => `http://127.0.0.1:${port}`),
        grpc: places.map(({ grpcPort }) => `127.0.0.1:${grpcPort}`),
        amqp: ground.brokerUrl,
        key: KEY,
      };
      return new Running(candidate, target, firstOrderMs, children, observer, rows[0]!.pid);
    } catch (error) {
      await Promise.all(children.map(end));
      throw error;
    }
  }

  get pids(): number[] {
    return this.children.map((child) => child.pid!);
  }

  /** Orders that have ended so far. */
  async ended(): Promise<number> {
    const { rows } = await this.observer.query<{ n: number }>(this.candidate.ended);
    return rows[0]!.n;
  }

  /** Waits until so many orders have ended and nothing is on its way. */
  async settle(orders: number): Promise<void> {
    let last = -1;
    let [counted, moved] = [0, performance.now()];
    for (;;) {
      const asked = performance.now();
      const quiet = (await this.observer.query<{ q: boolean }>(this.candidate.quiet)).rows[0]!.q;
      // Counted when nothing is on its way: with a million orders a count takes seconds.
      if (quiet || asked - counted > COUNT_AGAIN_MS) {
        const now = await this.ended();
        if (quiet && now >= orders) return;
        counted = performance.now();
        if (now !== last) moved = counted;
        last = now;
        if (counted - moved > STUCK_MS)
          throw new Error(`${this.candidate.id}: ${now} of ${orders} orders have ended, and nothing moves any more`);
      }
      await sleep(Math.min(LOOK_AT_LEAST_MS, Math.max(LOOK_AGAIN_MS, 20 * (performance.now() - asked))));
    }
  }

  /** When each of these orders (all, when absent) was confirmed, milliseconds since 1970: its commit, in PostgreSQL's log. */
  async confirmedAt(ids?: string[]): Promise<Map<string, number>> {
    const { rows } = await this.observer.query<{ id: string; at: number }>(
      `SELECT id::text, (extract(epoch FROM pg_xact_commit_timestamp(xmin)) * 1000)::float8 AS at
         FROM ${this.candidate.orders} WHERE state = 'CONFIRMED' ${ids ? 'AND id::text = ANY($1::text[])' : ''}`,
      ids ? [ids] : [],
    );
    return new Map(rows.map(({ id, at }) => [id, at]));
  }

  /** When the last order was confirmed. */
  async lastConfirmedAt(): Promise<number> {
    const { rows } = await this.observer.query<{ at: number }>(
      `SELECT (extract(epoch FROM max(pg_xact_commit_timestamp(xmin))) * 1000)::float8 AS at
         FROM ${this.candidate.orders} WHERE state = 'CONFIRMED'`,
    );
    return rows[0]!.at;
  }

  /** Ids of some stored orders. */
  async someIds(count: number): Promise<string[]> {
    const { rows } = await this.observer.query<{ id: string }>(
      `SELECT id::text FROM ${this.candidate.orders} WHERE state = 'CONFIRMED' LIMIT $1`,
      [count],
    );
    return rows.map((row) => row.id);
  }

  async stop(): Promise<void> {
    await this.observer.end();
    await Promise.all(this.children.map(end));
  }
}

/** Makes a candidate's tables and items in an empty database. */
export async function prepare(candidate: Candidate, ground: Ground): Promise<void> {
  const [place] = await placesFor({ ...candidate, processes: 1 }, ground);
  if (candidate.prepare) {
    const child = launch(candidate, place!);
    try {
      await untilReady(place!.port, child);
      await candidate.prepare(`http://127.0.0.1:${place!.port}`);
    } finally {
      await end(child);
    }
    return;
  }
  const child = launch(candidate, place!, ['--prepare']);
  const [code] = await exitOf(child);
  if (code !== 0) throw new Error(`${candidate.id} could not prepare its database:\n${lastWords(place!)}`);
}

/** Where each process of a candidate listens and keeps its files. */
export const placesFor = (candidate: Candidate, ground: Ground): Promise<Place[]> =>
  Promise.all(
    Array.from({ length: candidate.processes }, async (_, n) => {
      const directory = join(ground.directory, `process-${n}`);
      mkdirSync(directory, { recursive: true });
      return { ...ground, port: await freePort(), grpcPort: await freePort(), directory };
    }),
  );

function launch(candidate: Candidate, place: Place, args: string[] = []): ChildProcess {
  const log = openSync(join(place.directory, 'log'), 'a');
  const env = { PATH: process.env['PATH'], NODE_ENV: 'production', ...candidate.environment(place) };
  const child = spawn(process.execPath, ['--enable-source-maps', candidate.program, ...args], {
    env,
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  alive.add(child);
  child.once('exit', () => alive.delete(child));
  return child;
}

/** Asks again and again until it accepts an order: that is when a user can use it. */
async function firstOrder(place: Place, child: ChildProcess): Promise<void> {
  const headers = { authorization: `Bearer ${KEY}`, 'content-type': 'application/json' };
  const body = JSON.stringify(ORDERS[0]);
  await until(place, child, () => ask(place.port, 'POST', '/v1/orders', headers, body));
}

const untilReady = (port: number, child: ChildProcess): Promise<void> =>
  until(undefined, child, () => ask(port, 'GET', '/readyz'));

async function until(place: Place | undefined, child: ChildProcess, works: () => Promise<string>): Promise<void> {
  const deadline = performance.now() + START_MS;
  let last = '';
  while (performance.now() < deadline) {
    if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}:\n${place ? lastWords(place) : ''}`);
    last = await works().catch((error: Error) => error.message);
    if (last.startsWith('2')) return;
    await sleep(ASK_AGAIN_MS);
  }
  throw new Error(`no order was accepted within ${START_MS} ms (${last}):\n${place ? lastWords(place) : ''}`);
}

function ask(port: number, method: string, path: string, headers = {}, body = ''): Promise<string> {
  return new Promise((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', port, method, path, headers, agent: false }, (response) => {
      response.resume().on('end', () => resolve(String(response.statusCode)));
    });
    asked.on('error', reject).end(body);
  });
}

const lastWords = (place: Place): string => readFileSync(join(place.directory, 'log'), 'utf8').slice(-2_000);

const exitOf = (child: ChildProcess): Promise<[number | null]> =>
  child.exitCode !== null
    ? Promise.resolve([child.exitCode])
    : new Promise((resolve) => child.once('exit', (code) => resolve([code])));

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = exitOf(child);
  child.kill('SIGTERM');
  const impatience = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
  await gone;
  clearTimeout(impatience);
}
