import { Client, credentials, type ServiceError, status } from '@grpc/grpc-js';
import { HealthClient } from '../support/health-client.js';
import { type TestHouse, aHouse } from '../support/house.js';
import { anOrder, stocked } from '../support/shop.js';
import { cloneDatabase, dropClone } from '../support/fixtures.js';

let databaseUrl: string;
let house: TestHouse;
let health: HealthClient;

beforeAll(async () => {
  databaseUrl = await cloneDatabase();
  house = await aHouse({ DATABASE_URL: databaseUrl, PUBLIC_DOCS: 'off', DRAIN_DELAY_MS: '3000' });
  health = new HealthClient(`127.0.0.1:${house.house.grpcPort}`);
});

afterAll(async () => {
  health.close();
  await dropClone(databaseUrl);
});

it.each([
  '/docs',
  '/docs/events',
  '/docs/errors',
  '/docs/assets/start.js',
  '/openapi.json',
  '/asyncapi.json',
  '/proto',
  '/proto/sanmon/orders/v1/orders.proto',
])('has nothing at %s with PUBLIC_DOCS=off, whoever asks', async (path) => {
  const { status, body } = await house.rest.get(path);
  expect([status, body.code]).toEqual([404, 'unknown-route']);
});

it('lets nobody ask over gRPC what there is, with PUBLIC_DOCS=off', async () => {
  const client = new Client(`127.0.0.1:${house.house.grpcPort}`, credentials.createInsecure());
  const same = (bytes: Buffer): Buffer => bytes;
  const call = client.makeBidiStreamRequest('/grpc.reflection.v1.ServerReflection/ServerReflectionInfo', same, same);
  const error = await new Promise<ServiceError>((resolve) => call.on('error', resolve).on('data', () => undefined));
  expect(error.code).toBe(status.UNIMPLEMENTED);
  client.close();
});

it('says SERVING of each of its services, and nothing of others', async () => {
  const services = [
    'orders.v1.OrdersService',
    'payments.v1.PaymentsService',
    'inventory.v1.InventoryService',
    'notifications.v1.NotificationsService',
    'ops.v1.MessagesService',
  ];
  for (const service of ['', ...services.map((name) => `sanmon.${name}`)])
    expect([service, await health.check(service)]).toEqual([service, 'SERVING']);
  expect(await health.check('sanmon.weather.v1.WeatherService')).toBe(status.NOT_FOUND);
});

it('says NOT_SERVING before anything is refused, and answers calls meanwhile', async () => {
  const sku = await stocked(house, 1);
  const closed = house.close();
  expect(await health.check('')).toBe('NOT_SERVING');
  expect(await health.check('sanmon.orders.v1.OrdersService')).toBe('NOT_SERVING');
  expect((await fetch(`${house.rest.origin}/readyz`)).status).toBe(503);
  expect((await house.grpc.call('orders.PlaceOrder', anOrder(sku))).body.state).toBe('PLACED');
  await closed;
  expect(await health.check('')).toBe(status.UNAVAILABLE);
});
