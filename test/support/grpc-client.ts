import {
  type Client,
  type ClientDuplexStream,
  credentials,
  loadPackageDefinition,
  Metadata,
  type ServiceError,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';

const directory = join(import.meta.dirname, '../../proto');
const files = readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter((f) => f.endsWith('.proto'));
// The options the contract names for clients of ours.
const definition = loadSync(files, {
  includeDirs: [directory],
  longs: Number,
  enums: String,
  defaults: true,
  arrays: true,
  oneofs: false,
});
// gRPC makes its clients from the .proto files at run time, so nobody knows their types.
// eslint-disable-next-line @typescript-eslint/no-explicit-any
const packages = loadPackageDefinition(definition) as any;

export interface GrpcAnswer {
  // gRPC makes its clients from the .proto files at run time, so nobody knows their types.
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  body: any;
  metadata: Metadata;
}

/** A client of the gRPC gate: grpc-js with the protos of this repository. */
export class GrpcClient {
  private readonly clients = new Map<string, Client>();

  constructor(
    private readonly address: string,
    private readonly key: string,
  ) {}

  /** Calls `orders.PlaceOrder` and the like. Rejects with grpc-js's ServiceError. */
  call(method: string, request: object = {}, metadata: Record<string, string> = {}): Promise<GrpcAnswer> {
    const [module, rpc] = method.split('.') as [string, string];
    const sent = new Metadata();
    for (const [name, value] of Object.entries({ authorization: `Bearer ${this.key}`, ...metadata }))
      sent.set(name, value);
    const client = this.client(module) as unknown as Record<
      string,
      (...args: unknown[]) => { on(e: 'metadata', f: (m: Metadata) => void): void }
    >;
    return new Promise((resolve, reject) => {
      let received = new Metadata();
      const call = client[rpc]!(request, sent, (error: ServiceError | null, body: unknown) =>
        error ? reject(error) : setImmediate(() => resolve({ body, metadata: received })),
      );
      call.on('metadata', (m) => (received = m));
    });
  }

  /** Opens a stream, e.g. `orders.WatchOrder` with its request or `orders.TrackOrders` without one. */
  stream(method: string, request?: object, metadata: Record<string, string> = {}): ClientDuplexStream<object, object> {
    const [module, rpc] = method.split('.') as [string, string];
    const sent = new Metadata();
    for (const [name, value] of Object.entries({ authorization: `Bearer ${this.key}`, ...metadata }))
      sent.set(name, value);
    const client = this.client(module) as unknown as Record<string, (...args: unknown[]) => never>;
    return request ? client[rpc]!(request, sent) : client[rpc]!(sent);
  }

  close(): void {
    for (const client of this.clients.values()) client.close();
  }

  private client(module: string): Client {
    let client = this.clients.get(module);
    if (!client) {
      const service = `${module[0]!.toUpperCase()}${module.slice(1)}Service`;

      client = new packages.sanmon[module].v1[service](this.address, credentials.createInsecure()) as Client;
      this.clients.set(module, client);
    }
    return client;
  }
}
