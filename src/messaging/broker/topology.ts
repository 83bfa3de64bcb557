/** Every name this house has on the broker, made in this one file. */
export const EXCHANGES = { internal: 'sanmon.internal', commands: 'sanmon.commands', events: 'sanmon.events' } as const;

export const queueOf = {
  commands: (module: string) => `sanmon.${module}`,
  queries: (module: string) => `sanmon.${module}.queries`,
  desk: (module: string) => `sanmon.${module}.ops`,
  internal: (module: string) => `sanmon.${module}.internal`,
  dead: (module: string) => `sanmon.${module}.dead`,
};

/** What sorts the calls for one module into its queues: by their routing keys, and everything else as commands. */
const sorterOf = {
  known: (module: string) => `sanmon.${module}.sorter`,
  rest: (module: string) => `sanmon.${module}.commands`,
};

interface Binding {
  exchange: string;
  key: string;
}

/** An exchange between `sanmon.commands` and the queues of one module. */
export interface ExchangeDeclaration {
  name: string;
  type: 'direct' | 'fanout';
  /** Where what it routes nowhere goes. */
  alternate?: string;
  bindings: Binding[];
}

export interface QueueDeclaration {
  name: string;
  arguments: Record<string, unknown>;
  bindings: Binding[];
  /** Declared before the queue is bound. */
  exchanges?: ExchangeDeclaration[];
  /** Bindings of earlier versions, taken away. */
  retired?: Binding[];
}

/** The routing keys of one module that do not go to its queue of commands. */
export interface SortedKeys {
  queries: string[];
  desk: string[];
}

/** The last net: after so many deliveries without an answer the broker itself puts a message aside. */
const DELIVERY_LIMIT = 1_000;

/**
 * Reads wait 30 s at most, and in such numbers as are answered within a second or two. More are refused to their senders
 * (`basic.nack` to who uses confirms) instead of pushing out the ones that have waited longest.
 */
const PASSING = {
  'x-message-ttl': 30_000,
  'x-max-length': 1_000,
  'x-max-length-bytes': 16 * 1024 * 1024,
  'x-overflow': 'reject-publish',
};

/** The queues of one module; `heard` are the modules whose events it handles. */
export function queuesOf(module: string, heard: string[], sorted: SortedKeys): QueueDeclaration[] {
  const quorum = { 'x-queue-type': 'quorum' };
  const netted = {
    ...quorum,
    'x-delivery-limit': DELIVERY_LIMIT,
    'x-dead-letter-exchange': '',
    'x-dead-letter-routing-key': queueOf.dead(module),
    'x-dead-letter-strategy': 'at-least-once',
    'x-overflow': 'reject-publish',
  };
  const exchanges = sorters(module);
  const known = (keys: string[]): Binding[] => keys.map((key) => ({ exchange: sorterOf.known(module), key }));
  return [
    { name: queueOf.dead(module), arguments: quorum, bindings: [] },
    {
      name: queueOf.internal(module),
      // One active consumer takes in, in queue order; with two competing ones 2,694 of 20,000 came out of order.
      arguments: { ...netted, 'x-single-active-consumer': true },
      bindings: [module, ...heard.map((m) => `${m}.events`)].map((key) => ({ exchange: EXCHANGES.internal, key })),
    },
    {
      name: queueOf.commands(module),
      arguments: netted,
      exchanges,
      bindings: [{ exchange: sorterOf.rest(module), key: '' }],
      retired: [{ exchange: EXCHANGES.commands, key: `${module}.#` }],
    },
    {
      name: queueOf.queries(module),
      arguments: { ...quorum, ...PASSING },
      exchanges,
      bindings: known(sorted.queries),
    },
    { name: queueOf.desk(module), arguments: netted, exchanges, bindings: known(sorted.desk) },
  ];
}

/** A topic exchange cannot say "all but these": so what the first does not know goes to the second, and nothing is lost. */
const sorters = (module: string): ExchangeDeclaration[] => [
  { name: sorterOf.rest(module), type: 'fanout', bindings: [] },
  {
    name: sorterOf.known(module),
    type: 'direct',
    alternate: sorterOf.rest(module),
    bindings: [`${module}.#`, `ops.${module}.#`].map((key) => ({ exchange: EXCHANGES.commands, key })),
  },
];
