import { type Surface, surface } from '../../src/documents/generator/surface.js';
import type { OperationClass } from '../../src/gates/operation.js';
import { TRACK_ORDERS, TrackOrders } from '../../src/orders/live/track-orders.js';
import { ELSEWHERE } from './parity-recipes.js';
import type { Gate } from './shop.js';

/** One operation of the matrix, and what decides which of its cells there can be. */
export interface Row {
  name: string;
  kind: 'command' | 'query' | 'stream';
  scope: string;
  gates: Gate[];
  /** The codes that it alone refuses with, of those that can be provoked here. */
  own: string[];
  type: OperationClass;
}

const rowOf = ({ traits, type, amqp }: Surface): Row => ({
  name: traits.name,
  kind: traits.streams ? 'stream' : traits.kind,
  scope: traits.scope,
  gates: amqp ? ['rest', 'grpc', 'amqp'] : ['rest', 'grpc'],
  own: (traits.refuses ?? []).filter((code) => !(code in ELSEWHERE)),
  type,
});

/** A WebSocket and a bidirectional stream have no input of one call, so no decorator makes this one. */
const track: Row = {
  ...TRACK_ORDERS,
  kind: 'stream',
  gates: ['rest', 'grpc'],
  own: ['order-not-found'],
  type: TrackOrders,
};

/** Every operation of the registry. */
export const ROWS: Row[] = [...surface().map(rowOf), track].sort((a, b) => (a.name < b.name ? -1 : 1));

/** Why there can be no such cell: nothing that is not said here may be missing. */
const BECAUSE = {
  query: 'a query changes nothing and takes no idempotency key',
  own: 'it has no refusal of its own that one call in a quiet house can meet',
  shared: 'items belong to no customer',
  waits: 'a command over RabbitMQ is not refused for this: it waits and is tried again (docs/messaging.md)',
  deadline:
    'neither HTTP nor AMQP tells a deadline: who gives up over HTTP goes away, and RabbitMQ itself takes out what expired',
  published: 'a publisher that goes away has handed its message over: it is worked on all the same',
  queue: 'a queue is read by whichever process has the module',
  everyModule: 'it is asked of all modules of a process, and each process answers for its own',
  atOnce: 'it is read at once and not in sets, so there is nothing it could be left out of',
  stream: 'a stream lasts as long as its reader listens, and leaves nothing half done (test/integration/live.spec.ts)',
};
type Because = keyof typeof BECAUSE;

const overAmqp =
  (because: Because) =>
  ({ kind }: Row, gate: Gate): Because | undefined =>
    gate === 'amqp' && kind === 'command' ? because : undefined;
const everywhere = (): undefined => undefined;
const commandsOnly = ({ kind }: Row): Because | undefined =>
  kind === 'stream' ? 'stream' : kind === 'query' ? 'query' : undefined;

/** The reads of the repair desk: the only operations that are not gathered into sets. */
export const readsAtOnce = ({ name, kind }: Row): boolean => kind === 'query' && name.startsWith('ops.');

/** Every case, and where it cannot be. */
const CASES: Record<string, (row: Row, gate: Gate) => Because | undefined> = {
  success: everywhere,
  invalid: everywhere,
  unauthenticated: everywhere,
  expired: everywhere,
  'missing scope': everywhere,
  'another’s': ({ name }) => (/^inventory\.(get|list)-/.test(name) ? 'shared' : undefined),
  'own refusals': ({ own }) => (own.length === 0 ? 'own' : undefined),
  replay: commandsOnly,
  'key reused': commandsOnly,
  'key in use': (row, gate) => commandsOnly(row) ?? overAmqp('waits')(row, gate),
  exhausted: overAmqp('waits'),
  unavailable: overAmqp('waits'),
  deadline: ({ kind }, gate) => (kind === 'stream' ? 'stream' : gate === 'grpc' ? undefined : 'deadline'),
  cancelled: (row, gate) =>
    row.kind === 'stream' ? 'stream' : readsAtOnce(row) ? 'atOnce' : gate === 'amqp' ? 'published' : undefined,
  elsewhere: ({ name }, gate) => (gate === 'amqp' ? 'queue' : name === 'ops.get-operation' ? 'everyModule' : undefined),
  internal: overAmqp('waits'),
};
export type Case = keyof typeof CASES;

/** The gates over which a case of an operation can be, and so must be tried. */
export const gatesFor = (row: Row, name: Case): Gate[] => row.gates.filter((gate) => !CASES[name]!(row, gate));

/** What was tried and came out alike: operation, case (or code of its own), gates. */
export class Matrix {
  private readonly tried = new Map<string, Set<Gate>>();

  note({ name }: Row, cell: string, gates: Gate[]): void {
    const key = `${name} ${cell}`;
    this.tried.set(key, new Set([...(this.tried.get(key) ?? []), ...gates]));
  }

  private cell(row: Row, name: Case): string {
    const noted = (cell: string, gate: Gate): boolean => this.tried.get(`${row.name} ${cell}`)?.has(gate) ?? false;
    const parts = row.gates.map((gate) => {
      const because = CASES[name]!(row, gate);
      if (because) return `–${letterOf(because)}`;
      const all = name === 'own refusals' ? row.own : [name];
      return all.every((cell) => noted(cell, gate)) ? signOf(row, gate) : `${signOf(row, gate)} not tried`;
    });
    return [...new Set(parts)].join(' ');
  }

  /** docs/contracts/parity.md. */
  page(): string {
    const names = Object.keys(CASES);
    const rows = ROWS.map((row) => {
      const own = row.own.map((code) => `\`${code}\``).join(', ');
      return `| \`${row.name}\` | ${names.map((name) => this.cell(row, name)).join(' | ')} | ${own} |`;
    });
    return [
      ...HEAD,
      `| operation | ${names.join(' | ')} | own refusals tried |`,
      `| --- | ${names.map(() => '---').join(' | ')} | --- |`,
      ...rows,
      '',
      'n/a, because',
      '',
      ...Object.entries(BECAUSE).map(([because, why]) => `- –${letterOf(because as Because)}: ${why}`),
      '',
      'Own refusals that are not provoked here:',
      '',
      ...Object.entries(ELSEWHERE).map(([code, why]) => `- \`${code}\`: ${why}`),
      '',
    ].join('\n');
  }
}

const HEAD = [
  '# Parity',
  '',
  '<!-- Made by test/contract/parity.spec.ts from its last run; edits are lost. -->',
  '',
  'Each cell was tried over REST (R; as event stream S, as WebSocket W), gRPC (G) and RabbitMQ (A): the same code, the status',
  'of [errors.md](../errors.md), for invalid fields the same words, for replays the same result. “expired” is a customer’s',
  'token, “another’s” a good token of somebody whose order it is not; “deadline” and “cancelled” are calls whose callers gave',
  'up before their set was formed (nothing was done), “internal” is a bug of ours (only its id is told).',
  '',
];

const letterOf = (because: Because): string => 'abcdefghijkl'[Object.keys(BECAUSE).indexOf(because)]!;

const signOf = ({ name }: Row, gate: Gate): string =>
  gate === 'grpc' ? 'G' : gate === 'amqp' ? 'A' : ({ 'orders.watch': 'S', 'orders.track': 'W' }[name] ?? 'R');
