import { randomUUID } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Logger } from '@nestjs/common';
import { Database } from '../../src/database/database.js';
import { schemaOfClass, type JsonSchema } from '../../src/documents/generator/json-schema.js';
import { refusals } from '../../src/documents/generator/refusals.js';
import { surface } from '../../src/documents/generator/surface.js';
import { bearer, type Caller, type How, type Said } from '../support/caller.js';
import { eventually } from '../support/eventually.js';
import { firstWord, type Stream } from '../support/first-word.js';
import { giveUp } from '../support/given-up.js';
import { holdKeys } from '../support/held-tables.js';
import { API_KEYS, type TestHouse } from '../support/house.js';
import { Issuer } from '../support/issuer.js';
import { HousesAside } from '../support/parity-houses.js';
import { type Case, gatesFor, Matrix, type Row, ROWS } from '../support/parity-page.js';
import { type Recipe, recipes } from '../support/parity-recipes.js';
import type { Gate } from '../support/shop.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { useHouse } from '../support/use-house.js';

let issuer: Issuer;
let wire: TcpProxy;
// The window for cancelling a confirmed order is closed at once, so that it can be met.
const at = useHouse(async (databaseUrl) => {
  issuer = await Issuer.open();
  const { proxy, url } = await TcpProxy.before(databaseUrl);
  wire = proxy;
  const keys = `${API_KEYS};stranger:a-strange-key:notifications:read`;
  return { ...issuer.settings, DATABASE_URL: url, API_KEYS: keys, CANCEL_WINDOW_HOURS: '0' };
});
let aside: HousesAside;
let inUse: Promise<void>;
beforeAll(async () => {
  aside = await HousesAside.open();
  // It takes the 10 s that two calls wait for a key, so it is asked beside everything else.
  inUse = keysInUse();
  inUse.catch(() => undefined);
});
afterAll(async () => {
  await aside.close();
  await wire.close();
  await issuer.close();
});

const codes = new Map(refusals(surface()).map((one) => [one.code, one]));
const PAGE = join(import.meta.dirname, '../../docs/contracts/parity.md');
const matrix = new Matrix();
/** The kinds of refusals that were met. */
const met = new Set<string>();
const recipe = ({ name }: Row): Recipe => recipes(at)[name]!;

/** One call over one gate, or the first word of a stream. */
function ask(
  { name, kind }: Row,
  gate: Gate,
  input: object,
  how: How = {},
  house = at.house,
  by = at.caller,
): Promise<Said> {
  if (kind !== 'stream') return by.call(gate, name, input, how);
  return firstWord(house, gate as 'rest', name as Stream, input, how.secret ?? undefined);
}

/** Asks for one case over every gate where it can be, each with an input of its own, and expects the same of all. */
async function cell(
  row: Row,
  name: Case,
  code: string,
  input: () => Promise<object>,
  how: How = {},
  { house, caller }: { house: TestHouse; caller: Caller } = at,
): Promise<Said[]> {
  const gates = gatesFor(row, row.own.includes(name) ? 'own refusals' : name);
  const said = await Promise.all(gates.map(async (gate) => ask(row, gate, await input(), how, house, caller)));
  gates.forEach((gate, i) => agreed(row, gate, said[i]!, code));
  matrix.note(row, name, gates);
  return said;
}

function agreed({ name }: Row, gate: Gate, { code, status, message }: Said, expected: string): void {
  const { rest, grpc, kind } = codes.get(expected) ?? {};
  const refusal = gate === 'rest' ? String(rest) : gate === 'grpc' ? grpc : kind;
  expect({ name, gate, code, status, message }).toMatchObject({
    ...{ name, gate, code: expected },
    // What is wrong with a message of a WebSocket is told without a status.
    status: expected === 'ok' ? expect.stringMatching(/^(20\d|OK|ok|)$/) : status && refusal,
  });
  if (kind) met.add(kind);
}

/** A good input with one field that breaks its rule, found by the rule itself. */
function spoiled(schema: JsonSchema, input: Record<string, unknown>): Record<string, unknown> {
  for (const [name, of] of Object.entries(schema.properties ?? {})) {
    if (of.type === 'integer') return { ...input, [name]: (of['maximum'] as number) + 1 };
    if (of.type === 'object' && of.properties) return { ...input, [name]: spoiled(of, {}) };
    if (of.type === 'string' && !of['enum']) return { ...input, [name]: '\u0007' };
  }
  throw new Error('has no field with a rule');
}

describe.each(ROWS.map((row) => [row.name, row] as const))('%s, over every gate', (name, row) => {
  it('succeeds', async () => {
    expect(recipe(row)).toBeDefined();
    await cell(row, 'success', 'ok', recipe(row).good);
  });

  it('refuses a field that breaks its rule, in the same words', async () => {
    const bad = spoiled(schemaOfClass(row.type), (await recipe(row).good()) as Record<string, unknown>);
    const said = await cell(row, 'invalid', 'invalid', async () => bad);
    expect(new Set(said.map(({ message }) => message)).size).toBe(1);
  });

  it('refuses a credential that is none, one that ended, and one without the scope', async () => {
    const good = await recipe(row).good();
    const input = async () => good;
    await cell(row, 'unauthenticated', 'unauthenticated', input, { secret: 'wrong' });
    const ended = await issuer.token('ada', { claims: { exp: Math.floor(Date.now() / 1_000) - 60 } });
    await cell(row, 'expired', 'unauthenticated', input, { secret: ended });
    const secret = row.scope === 'notifications:read' ? 'a-reading-key' : 'a-strange-key';
    await cell(row, 'missing scope', 'missing-scope', input, { secret });
  });

  if (gatesFor(row, 'another’s').length > 0)
    it('shows a customer nothing of another', async () => {
      const { good, another } = recipe(row);
      const secret = await issuer.token('eve');
      for (const { result } of await cell(row, 'another’s', another!.code, good, { secret }))
        if (another!.empty) expect(result[another!.empty] ?? []).toEqual([]);
    });

  if (row.own.length > 0)
    it.each(row.own)('refuses with %s', async (code) => {
      const input = recipe(row).refuses?.[code];
      expect(input).toBeDefined();
      await cell(row, code, code, input!);
    });

  if (row.kind === 'command')
    it('answers a key again on whichever gate, and refuses it for another command', async () => {
      const key = randomUUID();
      const input = await recipe(row).good();
      const { result } = await at.caller.call('rest', name, input, { key });
      const again = await cell(row, 'replay', 'ok', async () => input, { key });
      for (const one of again) expect([one.replayed, one.result]).toEqual([true, result]);
      await cell(row, 'key reused', 'idempotency-key-reused', recipe(row).good, { key });
    });
});

/** What one case is for every operation that can meet it, all at once. */
const everywhere = (name: Case, one: (row: Row) => Promise<unknown>): Promise<unknown[]> =>
  Promise.all(ROWS.filter((row) => gatesFor(row, name).length > 0).map(one));

/** The good inputs of all operations for as many calls as they have gates, made while nothing is broken yet. */
async function prepared(): Promise<(row: Row) => () => Promise<object>> {
  const made = await Promise.all(
    ROWS.map(async (row) => [row, await Promise.all(row.gates.map(() => recipe(row).good()))] as const),
  );
  const left = new Map(made);
  return (row) => async () => left.get(row)!.pop()!;
}

async function keysInUse(): Promise<void> {
  const { house, caller } = aside.most;
  const make = recipes({
    house,
    rows: (text, values) => house.house.foundations.sources.get('database')!.query(text, values),
  });
  const rows = ROWS.filter((row) => gatesFor(row, 'key in use').length > 0);
  const inputs = new Map(await Promise.all(rows.map(async (row) => [row, await make[row.name]!.good()] as const)));
  const letGo = await holdKeys(
    aside.databaseUrl,
    rows.map(({ name }) => ({ operation: name, key: name })),
  );
  // One gate after the other: calls of one operation that come together wait for each other.
  const tried = rows.map(async (row) => {
    for (const gate of gatesFor(row, 'key in use')) {
      const said = await ask(row, gate, inputs.get(row)!, { key: row.name }, house, caller);
      agreed(row, gate, said, 'idempotency-key-in-use');
      matrix.note(row, 'key in use', [gate]);
    }
  });
  await Promise.allSettled(tried);
  await letGo();
  await Promise.all(tried);
}

it('every operation refuses a caller who has used up its rate', async () => {
  const untilRefused = (row: Row) => async (gate: Gate) => {
    const input = row.name === 'orders.watch' ? { id: 'x' } : {};
    for (let n = 0; ; n++) {
      const said = await ask(row, gate, input, {}, aside.slow.house, aside.slow.caller);
      if (said.code !== 'rate-limit-exceeded' && n < 20) continue;
      agreed(row, gate, said, 'rate-limit-exceeded');
      return matrix.note(row, 'exhausted', [gate]);
    }
  };
  await everywhere('exhausted', (row) => Promise.all(gatesFor(row, 'exhausted').map(untilRefused(row))));
});

it('every operation says that its module lives elsewhere', async () => {
  const id = 'msg_019a5d0e-7c31-7000-8000-1b9a7d6c5e2f';
  const ofDesk = { id, module: 'orders', reason: 'A test.', payload: {}, filter: { module: 'orders' } };
  await everywhere('elsewhere', (row) => {
    const input = row.name.startsWith('ops.') ? pick(ofDesk, row) : row.name === 'orders.watch' ? { id: 'x' } : {};
    const away = row.name === 'notifications.list' ? aside.most : aside.mail;
    return cell(row, 'elsewhere', 'elsewhere', async () => input, {}, away);
  });
});

const pick = (from: Record<string, unknown>, { type }: Row): object =>
  Object.fromEntries(
    Object.keys(schemaOfClass(type).properties ?? {}).flatMap((n) => (n in from ? [[n, from[n]]] : [])),
  );

it('no operation begins what its callers gave up waiting for, and what had begun it completes', async () => {
  // At admission, where the reads of the repair desk are judged too.
  await everywhere('deadline', async (row) => {
    const said = await at.caller.rpc(row.name, Buffer.alloc(0), { ...bearer, 'grpc-timeout': '1n' });
    expect([row.name, said.status]).toEqual([row.name, 'DEADLINE_EXCEEDED']);
  });
  const ended = await ends();
  await everywhere('deadline', async (row) => {
    expect([row.name, ended(row, 'grpc deadline')]).toEqual([row.name, 1]);
    matrix.note(row, 'deadline', ['grpc']);
  });
  const { before, all } = await giveUp(at, ROWS, recipes(at), ends);
  for (const { row, begun, left } of all) {
    if (begun.said) expect([row.name, begun.said.code]).toEqual([row.name, 'ok']);
    else expect((await again(row, begun.input, begun.key)).replayed).toBe(true);
    expect([row.name, ...left.map(({ status }) => status)]).toEqual([
      row.name,
      'AbortError',
      'CANCELLED',
      'DEADLINE_EXCEEDED',
    ]);
    if (row.kind === 'command')
      for (const { input, key } of left)
        expect([row.name, key, (await again(row, input, key)).replayed]).toEqual([row.name, key, false]);
    const now = await ends();
    const since = (end: string) => now(row, end) - before(row, end);
    expect([row.name, since('rest cancelled')]).toEqual([row.name, 1]);
    // A client whose deadline passes takes its call back, too: on a busy machine that is what we hear first.
    expect([row.name, since('grpc cancelled') + since('grpc deadline')]).toEqual([row.name, 2]);
    matrix.note(row, 'cancelled', ['rest', 'grpc']);
  }
  met.add('cancelled').add('deadline');
});

/** Inputs for the outage. */
let forOutage: Awaited<ReturnType<typeof prepared>>;

it('every operation tells of a bug of ours its id and nothing else', async () => {
  // For the outage that follows too: after what is broken here, orders take their time.
  forOutage = await prepared();
  const good = await prepared();
  const logged = jest.spyOn(Logger.prototype, 'error').mockImplementation();
  const bug = () => Promise.reject(new TypeError('SELECT secret FROM /srv/secret.js'));
  const broken = (['rows', 'read', 'transaction'] as const).map((way) =>
    jest.spyOn(Database.prototype, way).mockImplementation(bug),
  );
  try {
    await everywhere('internal', async (row) => {
      for (const { message, raw } of await cell(row, 'internal', 'internal', good(row))) {
        expect(message).toMatch(/^Something went wrong here \([0-9a-f-]{36}\)\.$/);
        expect(raw + Buffer.from(raw, 'base64').toString()).not.toMatch(/secret/);
      }
    });
    expect(logged.mock.calls.flat().join()).toContain('SELECT secret');
  } finally {
    for (const one of [...broken, logged]) one.mockRestore();
  }
});

it('every operation is unavailable while the database is, and well again afterwards', async () => {
  const good = forOutage;
  await wire.refuse();
  try {
    await everywhere('unavailable', (row) => cell(row, 'unavailable', 'database-unavailable', good(row)));
  } finally {
    await wire.accept();
  }
  await eventually(async () => expect((await at.house.rest.get('/readyz')).body.status).toBe('ok'), { within: 20_000 });
});

const again = ({ name }: Row, input: object, key: string): Promise<Said> =>
  at.caller.call('rest', name, input, { key });

/** How often calls of an operation ended in this way, e.g. `rest cancelled`. */
async function ends(): Promise<({ name }: Row, end: string) => number> {
  const answer = await fetch(`${at.house.rest.origin}/metrics`, { headers: bearer });
  const text = await answer.text();
  return ({ name }, end) => {
    const [gate, outcome] = end.split(' ');
    const line = `sanmon_calls_total{gate="${gate}",operation="${name}",outcome="${outcome}"} `;
    return Number(
      text
        .split('\n')
        .find((one) => one.startsWith(line))
        ?.slice(line.length) ?? 0,
    );
  };
}

it('every command says that its key is in use', () => inUse);

it('every kind of refusal was met', () => {
  expect([...met].sort()).toEqual([...new Set([...codes.values()].map(({ kind }) => kind))].sort());
});

it('has every cell, and docs/contracts/parity.md shows them (SANMON_WRITE_PARITY=on writes it)', () => {
  const page = matrix.page();
  if (process.env['SANMON_WRITE_PARITY'] === 'on') writeFileSync(PAGE, page);
  expect(page).not.toContain('not tried');
  expect(readFileSync(PAGE, 'utf8')).toBe(page);
});
