import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readSettings } from '../../src/config/read-settings.js';
import { type House, openHouse } from '../../src/house.js';
import { AmqpClient } from './amqp-client.js';
import { GrpcClient } from './grpc-client.js';
import { RestClient } from './rest-client.js';

export const KEY = 'a-key-of-the-tests';
const ALL =
  'orders:read+orders:write+payments:read+payments:write+inventory:read+inventory:write+notifications:read+metrics:read+ops';
/** `shop` may do everything; `reader` may only read. */
export const API_KEYS = `shop:${KEY}:${ALL};reader:a-reading-key:orders:read+inventory:read`;

/** A running house of the real product, and real clients of its gates. */
export interface TestHouse {
  house: House;
  rest: RestClient;
  grpc: GrpcClient;
  /** Only over RabbitMQ: without a broker there is no third gate. */
  amqp?: AmqpClient;
  /** Where everything of the house can be looked at; of one in several databases a view of them all. */
  databaseUrl: string;
  /** Host and port at which a module is reached over gRPC. */
  grpcAddressOf(module: string): string;
  close(): Promise<void>;
}

/**
 * Opens the whole product in this process, as `npm start` would, on ports of its own; or, while a run names a placement
 * (`npm run test:placements`), spread over processes of the built product. One that is told its MODULES is no part of that.
 * A house waits five seconds for its queues, and what is published before they stand is lost: here they are waited for.
 */
export async function aHouse(
  environment: { DATABASE_URL: string; RABBITMQ_URL?: string; [name: string]: string | undefined },
  queuesWithin = 60_000,
): Promise<TestHouse> {
  const placement = process.env['SANMON_TEST_PLACEMENT'];
  if (placement && environment.RABBITMQ_URL && !environment['MODULES']) return aSpreadHouse(placement, environment);
  const dataDir = mkdtempSync(join(tmpdir(), 'sanmon-house-'));
  const settings = readSettings({
    PORT: '0',
    GRPC_PORT: '0',
    HOST: '127.0.0.1',
    DATA_DIR: dataDir,
    API_KEYS,
    MESSAGE_SECRET: 'the secret of the test house',
    LOG_LEVEL: 'error',
    ...environment,
  });
  const house = await openHouse(settings);
  await house.standing;
  await house.foundations.traffic.broker?.standing(queuesWithin);
  const rest = new RestClient(`http://127.0.0.1:${house.httpPort}`, KEY);
  const grpc = new GrpcClient(`127.0.0.1:${house.grpcPort}`, KEY);
  const amqp = environment.RABBITMQ_URL ? await AmqpClient.connect(environment.RABBITMQ_URL, KEY) : undefined;
  return {
    house,
    rest,
    grpc,
    amqp,
    databaseUrl: environment.DATABASE_URL,
    grpcAddressOf: () => `127.0.0.1:${house.grpcPort}`,
    close: async () => {
      grpc.close();
      await amqp?.close();
      await house.close();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

async function aSpreadHouse(placement: string, environment: Parameters<typeof aHouse>[0]): Promise<TestHouse> {
  // Not at the top: HouseProcess needs this file.
  const { SpreadHouse } = await import('./spread-house.js');
  const { DATABASE_URL, RABBITMQ_URL = '' } = environment;
  const spread = await SpreadHouse.open(placement, { ...environment, DATABASE_URL, RABBITMQ_URL });
  const { rest, grpc, amqp, databaseUrl } = spread;
  return {
    get house(): House {
      throw new Error('A house that is spread over processes has no inside here: this test runs in one process only.');
    },
    ...{ rest, grpc, amqp, databaseUrl },
    grpcAddressOf: (module) => spread.grpcAddressOf(module),
    close: () => spread.close(),
  };
}
