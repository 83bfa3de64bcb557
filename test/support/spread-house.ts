import type { ClientDuplexStream } from '@grpc/grpc-js';
import type { ModuleName } from '../../src/config/settings.js';
import { AmqpClient } from './amqp-client.js';
import { type GrpcAnswer, GrpcClient } from './grpc-client.js';
import { KEY, type TestHouse } from './house.js';
import { Placement } from './placement.js';
import { HouseProcess } from './process.js';
import { RestClient } from './rest-client.js';

const PATHS: Record<string, ModuleName> = {
  orders: 'orders',
  live: 'orders',
  payments: 'payments',
  items: 'inventory',
  notifications: 'notifications',
};

/** A process of the house, and the modules it has. */
export interface Placed {
  modules: ModuleName[];
  process: HouseProcess;
  grpcPort: number;
}

type Environment = { DATABASE_URL: string; RABBITMQ_URL: string; [name: string]: string | undefined };

/** The house spread over processes of the built product; each call goes to a process that has the module, in turn. */
export class SpreadHouse implements Omit<TestHouse, 'house'> {
  readonly rest: RestClient = new SpreadRest(this);
  readonly grpc: GrpcClient = new SpreadGrpc(this);

  private constructor(
    readonly placed: Placed[],
    readonly databaseUrl: string,
    readonly amqp: AmqpClient,
    private readonly placement: Placement,
  ) {}

  static async open(spread: string, environment: Environment): Promise<SpreadHouse> {
    const { DATABASE_URL: databaseUrl, RABBITMQ_URL: brokerUrl, ...more } = environment;
    const given = Object.fromEntries(Object.entries(more).filter(([, value]) => value !== undefined));
    const placement = await Placement.of(spread, databaseUrl);
    const placed = await Promise.all(
      placement.places.map(async ({ modules, grpcPort, environment: its }) => ({
        modules,
        grpcPort,
        process: await HouseProcess.prepared({
          ...(given as Record<string, string>),
          ...its,
          RABBITMQ_URL: brokerUrl,
        }),
      })),
    );
    try {
      await Promise.all(placed.map(({ process }) => process.startAgain()));
      await Promise.all(placed.map(({ process }) => process.queuesStand()));
      await placement.showAllIn(databaseUrl);
      return new SpreadHouse(placed, databaseUrl, await AmqpClient.connect(brokerUrl, KEY), placement);
    } catch (error) {
      await Promise.all(placed.map(({ process }) => process.kill()));
      await placement.dropDatabases();
      throw error;
    }
  }

  /** Where the modules are in databases of their own, by the names of the placement. */
  get databases(): ReturnType<Placement['urls']> {
    return this.placement.urls();
  }

  grpcAddressOf(module: string): string {
    return `127.0.0.1:${this.of(moduleAsked(module)).grpcPort}`;
  }

  private turn = 0;

  /** A process that has this module. */
  of(module: string): Placed {
    const found = this.placed.filter(({ modules }) => (modules as string[]).includes(module));
    if (found.length === 0) throw new Error(`no process has the module ${module}`);
    return found[this.turn++ % found.length]!;
  }

  async close(): Promise<void> {
    this.grpc.close();
    await this.amqp.close();
    const codes = await Promise.all(this.placed.map(({ process }) => process.stop()));
    await this.placement.dropDatabases();
    expect(codes).toEqual(codes.map(() => 0));
  }
}

class SpreadRest extends RestClient {
  constructor(private readonly house: SpreadHouse) {
    super('', KEY);
  }

  override originOf(path: string): string {
    const { pathname, searchParams } = new URL(path, 'http://a.house');
    const module = PATHS[pathname.split('/')[2]!] ?? searchParams.get('module') ?? 'orders';
    return this.house.of(module).process.rest.origin;
  }
}

class SpreadGrpc extends GrpcClient {
  private readonly ofAddresses = new Map<string, GrpcClient>();

  constructor(private readonly house: SpreadHouse) {
    super('', KEY);
  }

  override call(method: string, request: object, metadata?: Record<string, string>): Promise<GrpcAnswer> {
    return this.at(method).call(method, request, metadata);
  }

  override stream(
    method: string,
    request?: object,
    metadata?: Record<string, string>,
  ): ClientDuplexStream<object, object> {
    return this.at(method).stream(method, request, metadata);
  }

  override close(): void {
    for (const client of this.ofAddresses.values()) client.close();
  }

  private at(method: string): GrpcClient {
    const address = this.house.grpcAddressOf(method.split('.')[0]!);
    let client = this.ofAddresses.get(address);
    if (!client) this.ofAddresses.set(address, (client = new GrpcClient(address, KEY)));
    return client;
  }
}

/** The repair desk stands in every process; that of orders is asked unless a call names a module. */
const moduleAsked = (module: string): string => (module === 'ops' ? 'orders' : module);
