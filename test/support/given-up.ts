import { setTimeout as sleep } from 'node:timers/promises';
import { Admission } from '../../src/gates/admit.js';
import type { Asked } from '../../src/gates/asked.js';
import type { Said } from './caller.js';
import { eventually } from './eventually.js';
import { withTablesHeld } from './held-tables.js';
import { readsAtOnce, type Row } from './parity-page.js';
import type { Recipe } from './parity-recipes.js';
import type { Json } from './shop.js';
import type { Lodging } from './use-house.js';

/** What its callers learned of one operation, whose set was in flight while they gave up waiting for the next. */
export interface GivenUp {
  row: Row;
  /** The call in flight, whose caller went away too where that is a command. */
  begun: { input: Json; key: string; said?: Said };
  /** Those behind it: over REST and gRPC they went away, over gRPC one had a deadline. */
  left: { input: Json; key: string; status: string }[];
}

/** Of the acts of the repair desk none is in flight yet: they wait to know which module has the message. */
const isInFlight = ({ name, kind }: Row): boolean => kind === 'command' && !name.startsWith('ops.');

/** What waits for a table longer than 5 s the house gives up by itself. */
const HELD_AT_MOST_MS = 4_500;
/** A deadline must outlast admission, which takes its time on a slow machine. */
const deadlineMs = (attempt: number): number => 500 + 1_000 * attempt;

/**
 * Lets callers of every operation that is gathered into sets give up at once. After a stall in the middle of it all is done
 * again, with new keys, more time and `before` taken anew: what is measured when nothing has begun yet.
 */
export async function giveUp<T>(
  at: Lodging,
  rows: Row[],
  recipes: Record<string, Recipe>,
  measured: () => Promise<T>,
): Promise<{ before: T; all: GivenUp[] }> {
  for (let attempt = 1; attempt <= 3; attempt++) {
    const before = await measured();
    const all = await tryToGiveUp(at, rows, recipes, attempt);
    if (all) return { before, all };
    // What the house gave up is counted a moment later.
    await sleep(1_000);
  }
  throw new Error('Three times the callers were too slow to give up before the house did.');
}

async function tryToGiveUp(
  at: Lodging,
  rows: Row[],
  recipes: Record<string, Recipe>,
  attempt: number,
): Promise<GivenUp[] | undefined> {
  const gathered = rows.filter((row) => row.kind !== 'stream' && !readsAtOnce(row));
  const inputs = await Promise.all(
    gathered.map(({ name }) => Promise.all([0, 1, 2, 3].map(() => recipes[name]!.good()))),
  );
  const admitted = jest.spyOn(Admission.prototype, 'admit');
  const asked = async (count: number): Promise<Asked<object>[]> => {
    await eventually(() => expect(admitted).toHaveBeenCalledTimes(count));
    return Promise.all(admitted.mock.results.map(({ value }) => value as Promise<Asked<object>>));
  };
  const leave = new AbortController();
  let begun: Promise<Said | undefined>[] = [];
  let left: Promise<GivenUp['left']>[] = [];
  const keyBegun = ({ name }: Row): string => `begun-${name}-${attempt}`;
  let isLate = false;
  try {
    await withTablesHeld(at.databaseUrl, async () => {
      const since = performance.now();
      try {
        begun = gathered.map((row, i) => begin(at, row, inputs[i]![0]!, keyBegun(row), leave.signal));
        await asked(gathered.length);
        await sleep(50);
        const called = performance.now();
        left = gathered.map((row, i) => waitInVain(at, row, inputs[i]!.slice(1), attempt, leave.signal));
        const admissions = await asked(4 * gathered.length).finally(
          () => (isLate = performance.now() - called > deadlineMs(attempt) - 500),
        );
        const behind = admissions.slice(gathered.length);
        leave.abort();
        await eventually(() => expect(behind.map((one) => one.unwanted?.()?.kind)).not.toContain(undefined));
      } finally {
        isLate ||= performance.now() - since > HELD_AT_MOST_MS;
      }
    });
  } catch (error) {
    if (!isLate) throw error;
  } finally {
    admitted.mockRestore();
  }
  if (isLate) {
    leave.abort();
    await Promise.allSettled([...begun, ...left]);
    return undefined;
  }
  return Promise.all(
    gathered.map(async (row, i) => ({
      row,
      begun: { input: inputs[i]![0], key: keyBegun(row), said: await begun[i] },
      left: await left[i]!,
    })),
  );
}

async function begin(
  { caller }: Lodging,
  row: Row,
  input: object,
  key: string,
  signal: AbortSignal,
): Promise<Said | undefined> {
  if (!isInFlight(row)) return caller.call('rest', row.name, input);
  return caller.call('rest', row.name, input, { signal, key }).catch(() => undefined);
}

function waitInVain(
  { caller }: Lodging,
  row: Row,
  inputs: Json[],
  attempt: number,
  signal: AbortSignal,
): Promise<GivenUp['left']> {
  const ways = [
    ['rest', { signal }],
    ['grpc', { signal }],
    ['grpc', { within: deadlineMs(attempt) }],
  ] as const;
  return Promise.all(
    ways.map(async ([gate, how], i) => {
      const key = `left-${row.name}-${attempt}-${i}`;
      const given = row.kind === 'command' ? { ...how, key } : how;
      const status = await caller.call(gate, row.name, inputs[i], given).then(
        (said) => said.status,
        (error: Error) => error.name,
      );
      return { input: inputs[i]!, key, status };
    }),
  );
}
