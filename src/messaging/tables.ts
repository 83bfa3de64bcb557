/** How many lanes a module's outbox and inbox have: the unit in which replicas share work. 8, 32 and 128 cost the same. */
export const LANES = 32;

/** Where messages stand that belong to no key and so hold nothing back: the world's commands that wait or were refused. */
export const NO_LANE = -1;

const lively = `WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000, autovacuum_vacuum_cost_delay = 0)`;

/**
 * The messaging tables of one module; every module has its own, so it may have its own database.
 * The outbox has no index on `seq` alone: with one, the planner walks it and filters by lane (57 ms against 1 ms).
 */
export const messagingTables = (schema: string): string[] => [
  `CREATE TABLE ${schema}.outbox (
     lane smallint NOT NULL, seq bigint GENERATED ALWAYS AS IDENTITY, route text NOT NULL, key text NOT NULL,
     type text NOT NULL, message_id uuid NOT NULL, headers text, body text NOT NULL, at timestamptz NOT NULL DEFAULT now(),
     PRIMARY KEY (lane, seq)) ${lively}`,
  // While a route is paused the others are read by this: 50,000 rows that nobody takes cost every pass 60 ms without it.
  `CREATE INDEX outbox_route_idx ON ${schema}.outbox (route, lane, seq)`,
  // Seen marks: a partition a day, made ahead and dropped when the memory ends; the day is in our own ids.
  `CREATE TABLE ${schema}.seen (day date NOT NULL, message_id uuid NOT NULL, PRIMARY KEY (day, message_id)) PARTITION BY RANGE (day)`,
  `CREATE TABLE ${schema}.seen_otherwise PARTITION OF ${schema}.seen DEFAULT`,
  `CREATE TABLE ${schema}.inbox (
     lane smallint NOT NULL, seq bigint GENERATED ALWAYS AS IDENTITY, key text, type text NOT NULL, message_id uuid NOT NULL,
     state text NOT NULL CHECK (state IN ('ready', 'waiting', 'retry', 'parked', 'refused')),
     attempts integer NOT NULL DEFAULT 0, due timestamptz, code text, reason text, errors jsonb NOT NULL DEFAULT '[]',
     principal text, headers text, body text, raw bytea, at timestamptz NOT NULL DEFAULT now(),
     PRIMARY KEY (lane, seq)) ${lively}`,
  `CREATE INDEX inbox_ready_idx ON ${schema}.inbox (lane, seq) WHERE state = 'ready'`,
  `CREATE INDEX inbox_key_idx ON ${schema}.inbox (key, seq) WHERE key IS NOT NULL`,
  `CREATE INDEX inbox_due_idx ON ${schema}.inbox (lane, due) WHERE state = 'retry'`,
  `CREATE INDEX inbox_stranger_idx ON ${schema}.inbox (principal) WHERE lane = ${NO_LANE} AND state = 'parked'`,
  `CREATE INDEX inbox_message_idx ON ${schema}.inbox (message_id)`,
  `CREATE TABLE ${schema}.effects (
     id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, kind text NOT NULL, key text NOT NULL, body text NOT NULL,
     token integer NOT NULL DEFAULT 1, lease timestamptz NOT NULL, attempts integer NOT NULL DEFAULT 0, error text,
     first_at timestamptz) ${lively}`,
  `CREATE INDEX effects_lease_idx ON ${schema}.effects (kind, lease)`,
  `CREATE TABLE ${schema}.timers (
     id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, due timestamptz NOT NULL, key text NOT NULL, type text NOT NULL,
     body text NOT NULL)`,
  `CREATE INDEX timers_due_idx ON ${schema}.timers (due)`,
  `CREATE TABLE ${schema}.idempotency_keys (
     principal text NOT NULL, operation text NOT NULL, key text NOT NULL, fingerprint bytea NOT NULL, outcome text NOT NULL,
     at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (principal, operation, key))`,
  `CREATE INDEX idempotency_keys_at_idx ON ${schema}.idempotency_keys USING brin (at)`,
];

/** What effects and timers keep besides: the trace they belong to, and the headers of what is sent when a timer is due. */
export const traceColumns = (schema: string): string[] => [
  `ALTER TABLE ${schema}.effects ADD COLUMN trace text`,
  `ALTER TABLE ${schema}.timers ADD COLUMN headers text`,
];

/**
 * What the repair desk keeps of one module: every act of an operator with what it changed, and releases of many messages
 * that are under way. The index is partial, so that the statements of intake and lanes cannot choose it.
 */
export const repairTables = (schema: string): string[] => [
  `CREATE TABLE ${schema}.repair_acts (
     id uuid PRIMARY KEY, at timestamptz NOT NULL DEFAULT now(), by text NOT NULL,
     act text NOT NULL CHECK (act IN ('RELEASE', 'REPLACE', 'DISCARD', 'RELEASE_MANY')),
     message_id uuid, type text, key text, reason text, operation_id uuid, original text)`,
  `CREATE INDEX repair_acts_message_idx ON ${schema}.repair_acts (message_id, id)`,
  `CREATE TABLE ${schema}.bulk_releases (
     id uuid PRIMARY KEY, at timestamptz NOT NULL DEFAULT now(), by text NOT NULL, scopes text[] NOT NULL, filter text NOT NULL,
     tell text[] NOT NULL DEFAULT '{}', upto bigint NOT NULL, position bigint NOT NULL DEFAULT 0, selected integer NOT NULL,
     released integer NOT NULL DEFAULT 0, failed integer NOT NULL DEFAULT 0, next_at timestamptz NOT NULL DEFAULT now(),
     done_at timestamptz)`,
  `CREATE INDEX bulk_releases_open_idx ON ${schema}.bulk_releases (next_at) WHERE done_at IS NULL OR tell <> '{}'`,
  `CREATE INDEX inbox_aside_idx ON ${schema}.inbox (state, seq) WHERE state IN ('parked', 'refused')`,
];
