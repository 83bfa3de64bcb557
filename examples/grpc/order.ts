// Places an order over gRPC and follows it to its end with WatchOrder.
import { credentials, loadPackageDefinition, Metadata, type ServiceError, status } from '@grpc/grpc-js';
import type { ClientReadableStream, requestCallback, ServiceClientConstructor } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

const address = process.env.SANMON_GRPC ?? 'localhost:50051';
const ENDS = ['order-confirmed', 'order-rejected', 'order-cancelled'];

interface Order {
  id: string;
  state: string;
  reason?: string;
}
interface OrderUpdate {
  cursor: string;
  type: string;
  order: Order;
}
interface OrdersService {
  PlaceOrder(request: object, metadata: Metadata, done: requestCallback<Order>): void;
  WatchOrder(request: { id: string; cursor?: string }, metadata: Metadata): ClientReadableStream<OrderUpdate>;
}

// gRPC asks again by itself while the server is away.
const retries = {
  methodConfig: [
    {
      name: [{ service: 'sanmon.orders.v1.OrdersService' }],
      retryPolicy: {
        maxAttempts: 5,
        initialBackoff: '0.5s',
        maxBackoff: '5s',
        backoffMultiplier: 2,
        retryableStatusCodes: ['UNAVAILABLE'],
      },
    },
  ],
};
const definition = loadSync('sanmon/orders/v1/orders.proto', {
  includeDirs: [`${import.meta.dirname}/../../proto`],
  longs: Number,
  enums: String,
});
const { sanmon } = loadPackageDefinition(definition) as unknown as {
  sanmon: { orders: { v1: { OrdersService: ServiceClientConstructor } } };
};
const client = new sanmon.orders.v1.OrdersService(address, credentials.createInsecure(), {
  'grpc.service_config': JSON.stringify(retries),
});
const orders = client as unknown as OrdersService;

function metadata(more: Record<string, string> = {}): Metadata {
  const sent = new Metadata();
  sent.set('authorization', `Bearer ${process.env.SANMON_KEY ?? ''}`);
  for (const [name, value] of Object.entries(more)) sent.set(name, value);
  return sent;
}

// The same key for every attempt: however often the request arrives, it is one order.
function place(order: object): Promise<Order> {
  return new Promise((resolve, reject) =>
    orders.PlaceOrder(order, metadata({ 'idempotency-key': randomUUID() }), (error, placed) =>
      error ? reject(error) : resolve(placed!),
    ),
  );
}

// Goes on after the last cursor when the stream breaks: nothing is missed and nothing comes twice.
async function* updatesOf(id: string): AsyncGenerator<OrderUpdate> {
  let cursor: string | undefined;
  for (;;) {
    const stream = orders.WatchOrder({ id, cursor }, metadata());
    try {
      for await (const update of stream as AsyncIterable<OrderUpdate>) {
        cursor = update.cursor;
        yield update;
      }
      return; // nothing more can happen
    } catch (error) {
      if ((error as ServiceError).code !== status.UNAVAILABLE) throw error;
      await sleep(2_000);
    } finally {
      stream.cancel(); // who stops reading hangs up: a confirmed order's stream stays open
    }
  }
}

try {
  const placed = await place({
    customerId: 'ada',
    email: 'ada@example.com',
    currency: 'JPY',
    lines: [{ sku: 'tea', quantity: 1 }],
    paymentMethod: process.argv[2] ?? 'pm_ok',
  });
  console.log(placed.id);
  for await (const { type, order } of updatesOf(placed.id)) {
    console.log(type);
    if (!ENDS.includes(type)) continue;
    console.log(order.state, order.reason ?? '');
    break;
  }
} catch (refused) {
  console.error((refused as ServiceError).message);
  process.exitCode = 1;
} finally {
  client.close();
}
