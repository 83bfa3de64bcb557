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
  begun: { input: Json; said?: Said };
  /** Those behind it: over REST and gRPC they went away, over gRPC one had a deadline. */
  left: { input: Json; key: string; status: string }[];
}

/** Of the acts of the repair desk none is in flight yet: they wait to know which module has the message. */
const isInFlight = ({ name, kind }: Row): boolean => kind === 'command' && !name.startsWith('ops.');

export const keyBegun = ({ name }: Row): string => `begun-${name}`;

/** Lets callers of every operation that is gathered into sets give up at once. */
export async function giveUp(at: Lodging, rows: Row[], recipes: Record<string, Recipe>): Promise<GivenUp[]> {
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
  await withTablesHeld(at.databaseUrl, async () => {
    begun = gathered.map((row, i) => begin(at, row, inputs[i]![0]!, leave.signal));
    await asked(gathered.length);
    await sleep(50);
    left = gathered.map((row, i) => waitInVain(at, row, inputs[i]!.slice(1), leave.signal));
    const behind = (await asked(4 * gathered.length)).slice(gathered.length);
    leave.abort();
    await eventually(() => expect(behind.map((one) => one.unwanted?.()?.kind)).not.toContain(undefined));
  });
  admitted.mockRestore();
  return Promise.all(
    gathered.map(async (row, i) => ({
      row,
      begun: { input: inputs[i]![0], said: await begun[i] },
      left: await left[i]!,
    })),
  );
}

async function begin({ caller }: Lodging, row: Row, input: object, signal: AbortSignal): Promise<Said | undefined> {
  if (!isInFlight(row)) return caller.call('rest', row.name, input);
  return caller.call('rest', row.name, input, { signal, key: keyBegun(row) }).catch(() => undefined);
}

function waitInVain({ caller }: Lodging, row: Row, inputs: Json[], signal: AbortSignal): Promise<GivenUp['left']> {
  const ways = [
    ['rest', { signal }],
    ['grpc', { signal }],
    ['grpc', { within: 1_500 }],
  ] as const;
  return Promise.all(
    ways.map(async ([gate, how], i) => {
      const key = `left-${row.name}-${i}`;
      const given = row.kind === 'command' ? { ...how, key } : how;
      const status = await caller.call(gate, row.name, inputs[i], given).then(
        (said) => said.status,
        (error: Error) => error.name,
      );
      return { input: inputs[i]!, key, status };
    }),
  );
}
