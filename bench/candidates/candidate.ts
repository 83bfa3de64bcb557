import { fileURLToPath } from 'node:url';
import type { Gate } from '../load/job.js';
import { prepareSanmon } from './sanmon.js';
import { waitingAtSanmon, waitingAtStock } from './waiting-orders.js';

/** What an application is told when it is started. */
export interface Place {
  port: number;
  grpcPort: number;
  databaseUrl: string;
  brokerUrl: string;
  /** A directory of its own. */
  directory: string;
}

/** An application that is measured. */
export interface Candidate {
  id: string;
  what: string;
  gates: Gate[];
  /** How many processes of it share database and broker. */
  processes: number;
  /** Candidates with one template start on copies of one prepared database. */
  template: string;
  /** Only these scenarios; all that its gates allow when absent. */
  scenarios?: string[];
  /** The program, relative to the root of the build or of the product. */
  program: string;
  environment: (place: Place) => Record<string, string>;
  /** Makes tables and items in an empty database where `--prepare` does not. */
  prepare?: (origin: string) => Promise<void>;
  /** Leaves so many orders waiting, while the application is stopped. */
  leaveWaiting?: (place: Place, orders: number) => Promise<void>;
  /** The table of orders, with `id` and `state`. */
  orders: string;
  /** SQL: orders that have ended with everything that belongs to them. */
  ended: string;
  /** SQL: whether nothing is on its way any more. */
  quiet: string;
}

export const KEY = 'a-key-of-the-bench';
const SCOPES =
  'orders:read+orders:write+payments:read+payments:write+inventory:read+inventory:write+notifications:read+ops';
const ROOT = new URL('../../../../', import.meta.url);
const built = (path: string) => fileURLToPath(new URL(`.bench/build/bench/candidates/${path}`, ROOT));

const told = ({ port, databaseUrl, brokerUrl }: Place) => ({
  PORT: String(port),
  DATABASE_URL: databaseUrl,
  RABBITMQ_URL: brokerUrl,
});

const small: Pick<Candidate, 'gates' | 'processes' | 'environment' | 'orders'> = {
  gates: ['rest'],
  processes: 1,
  environment: told,
  orders: 'public.orders',
};

const confirmed = (table: string) => `(SELECT count(*) FROM ${table} WHERE state = 'CONFIRMED')`;
const empty = (tables: string[]) => `SELECT ${tables.map((t) => `NOT EXISTS (SELECT 1 FROM ${t})`).join(' AND ')} AS q`;
const MODULES = ['orders', 'payments', 'inventory', 'notifications'];
const wholly = (orders: string) =>
  `SELECT least(${confirmed(orders)}, (SELECT count(*) FROM inventory.holds WHERE state = 'SOLD'),
     (SELECT count(*) FROM notifications.notifications WHERE state = 'SENT'))::int AS n`;

const sanmon: Candidate = {
  id: 'Sanmon',
  what: 'the product as a user starts it, everything on, over RabbitMQ',
  gates: ['rest', 'grpc', 'amqp'],
  processes: 1,
  template: 'sanmon',
  program: fileURLToPath(new URL('dist/main.js', ROOT)),
  environment: (place) => ({
    ...told(place),
    GRPC_PORT: String(place.grpcPort),
    HOST: '127.0.0.1',
    DATA_DIR: place.directory,
    API_KEYS: `bench:${KEY}:${SCOPES}`,
    MESSAGE_SECRET: 'a message secret of the bench',
  }),
  prepare: (origin) => prepareSanmon(origin, KEY),
  leaveWaiting: waitingAtSanmon(KEY),
  orders: 'orders.orders',
  ended: wholly('orders.orders'),
  quiet: empty(MODULES.flatMap((m) => [`${m}.outbox`, `${m}.effects`])),
};

/** Everything that is measured, in the order in which it takes its turns. */
export const CANDIDATES: Candidate[] = [
  {
    ...small,
    id: 'S',
    what: 'stock Nest: ClientRMQ, ServerRMQ, TypeORM repositories, ValidationPipe; one hop, no outbox',
    template: 'stock',
    program: built('stock/main.js'),
    leaveWaiting: waitingAtStock,
    ended: `SELECT ${confirmed('orders')}::int AS n`,
    quiet: 'SELECT true AS q',
  },
  {
    ...small,
    id: 'S3',
    what: 'careful Nest: TypeORM outbox and inbox, three hops, provider called from the handlers',
    template: 'careful',
    program: built('careful/main.js'),
    ended: `SELECT ${confirmed('orders')}::int AS n`,
    quiet: empty(['outbox']),
  },
  {
    ...small,
    id: 'L',
    what: 'hand-written limit of one hop: node:http, pg, amqplib, in sets',
    template: 'limit',
    program: built('limit/one-hop.js'),
    ended: `SELECT ${confirmed('orders')}::int AS n`,
    quiet: empty(['pipeline.outbox']),
  },
  {
    ...small,
    id: 'L8',
    what: 'hand-written limit of the whole story: same hops, commits and effects',
    template: 'limit8',
    program: built('limit/whole-story.js'),
    ended: wholly('orders'),
    quiet: empty([...MODULES.map((m) => `${m}.outbox`), 'payments.effects', 'notifications.effects']),
  },
  sanmon,
  {
    ...sanmon,
    id: 'Sanmon-local',
    what: 'the product without RABBITMQ_URL: the local carrier',
    gates: ['rest', 'grpc'],
    scenarios: ['story'],
    environment: (place) => ({ ...sanmon.environment(place), RABBITMQ_URL: '' }),
  },
  { ...sanmon, id: 'Sanmon-2', what: 'two processes of the product over RabbitMQ', processes: 2, scenarios: ['story'] },
];
