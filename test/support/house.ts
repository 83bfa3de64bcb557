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
  'orders:read+orders:write+payments:read+payments:write+inventory:read+inventory:write+notifications:read+ops';
/** `shop` may do everything; `reader` may only read. */
export const API_KEYS = `shop:${KEY}:${ALL};reader:a-reading-key:orders:read+inventory:read`;

/** A running house of the real product, and real clients of its gates. */
export interface TestHouse {
  house: House;
  rest: RestClient;
  grpc: GrpcClient;
  /** Only over RabbitMQ: without a broker there is no third gate. */
  amqp?: AmqpClient;
  close(): Promise<void>;
}

/** Opens the whole product in this process, as `npm start` would, on ports of its own. */
export async function aHouse(environment: {
  DATABASE_URL: string;
  RABBITMQ_URL?: string;
  [name: string]: string | undefined;
}): Promise<TestHouse> {
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
  const rest = new RestClient(`http://127.0.0.1:${house.httpPort}`, KEY);
  const grpc = new GrpcClient(`127.0.0.1:${house.grpcPort}`, KEY);
  const amqp = environment.RABBITMQ_URL ? await AmqpClient.connect(environment.RABBITMQ_URL, KEY) : undefined;
  return {
    house,
    rest,
    grpc,
    amqp,
    close: async () => {
      grpc.close();
      await amqp?.close();
      await house.close();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}
