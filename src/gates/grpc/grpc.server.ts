import {
  Server,
  ServerCredentials,
  type ChannelOptions,
  type ServiceDefinition,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { ServerGrpc } from '@nestjs/microservices';
import { elsewhere } from '../../failure.js';
import { grpcDefinition, grpcServices, isInternal, moduleOf } from './definition.js';
import { GrpcHealth } from './health.js';
import { addReflection } from './reflection.js';
import { grpcStatus } from './status.js';
import { refuseUnreadableTimeouts } from './timeout.js';

export interface GrpcSettings {
  host: string;
  /** 0 = any free one, to be read from `port` after listening. */
  port: number;
  /** The modules of this process; methods of all others answer UNIMPLEMENTED and name their module. */
  modules: string[];
  /** How long a stop waits for calls and streams in flight. */
  closeWithinMs?: number;
  /** After how long clients are told to connect anew; calls in flight end as they would. */
  connectionAgeMs?: number;
  /** Whether calls are welcome, as the health service tells it; always when left out. */
  ready?: () => Promise<boolean>;
  /** Whether clients may ask what there is; on when left out. */
  reflection?: boolean;
}

/** Connections are told to go after this (± 10 %), so that clients look their balancer up again and see new replicas. */
const CONNECTION_AGE_MS = 300_000;

/** By the names grpc-js knows: others are ignored in silence. */
const CHANNEL: ChannelOptions = {
  'grpc.max_receive_message_length': 1_048_576, // also what a compressed message may grow to
  'grpc.max_concurrent_streams': 1_000, // per connection; without a limit one client can take all memory
  'grpc.keepalive_time_ms': 30_000, // finds peers that went away without a word
  'grpc.keepalive_timeout_ms': 10_000,
  'grpc.max_connection_age_grace_ms': 3_600_000, // unlimited by default: streams would never move
};

/** The gRPC gate as a Nest transport: `connectMicroservice({ strategy: new GrpcGate(settings) }, { inheritAppConfig: true })`. */
export class GrpcGate extends ServerGrpc {
  /** The port that is really listened on. */
  port = 0;
  private readonly health: GrpcHealth;

  constructor(private readonly settings: GrpcSettings) {
    super({ package: packagesOf(settings.modules), packageDefinition: grpcDefinition() });
    this.health = new GrpcHealth(servedBy(settings.modules), settings.ready);
  }

  /** For SIGTERM: NOT_SERVING before anything is refused. */
  leave(): void {
    this.health.leave();
  }

  /** Unlike Nest's, opens the port last: before, the first callers would meet a server without services. */
  override async listen(callback: (error?: unknown) => void): Promise<void> {
    try {
      const age = this.settings.connectionAgeMs ?? CONNECTION_AGE_MS;
      const server = new Server({
        ...CHANNEL,
        'grpc.max_connection_age_ms': age,
        interceptors: [refuseUnreadableTimeouts],
      });
      this.grpcClient = server;
      await this.bindEvents();
      this.addOthers(server);
      this.port = await bound(server, this.settings);
      callback();
    } catch (error) {
      callback(error);
    }
  }

  /** Lets calls in flight end, within the time given; then ends them. */
  override async close(): Promise<void> {
    const server = this.grpcClient as Server | null | undefined;
    if (!server) return;
    this.grpcClient = null;
    this.leave();
    this.health.end();
    await new Promise<void>((resolve) => {
      const force = setTimeout(() => {
        server.forceShutdown();
        resolve();
      }, this.settings.closeWithinMs ?? 5_000);
      server.tryShutdown(() => {
        clearTimeout(force);
        resolve();
      });
    });
  }

  private addOthers(server: Server): void {
    const served = servedBy(this.settings.modules);
    for (const [name, service] of grpcServices()) {
      if (!served.includes(name)) server.addService(service, livingElsewhere(service, moduleOf(name)));
    }
    this.health.addTo(server);
    const shown = served.filter((name) => !isInternal(name));
    if (this.settings.reflection !== false) addReflection(server, shown);
  }
}

const servedBy = (modules: string[]): string[] =>
  grpcServices().flatMap(([name]) => (modules.includes(moduleOf(name)) ? [name] : []));

const packagesOf = (modules: string[]): string[] => [
  ...new Set(servedBy(modules).map((name) => name.slice(0, name.lastIndexOf('.')))),
];

function livingElsewhere(service: ServiceDefinition, module: string): UntypedServiceImplementation {
  const failure = elsewhere(module);
  const refuse = (call: { emit: (event: 'error', error: object) => void }, answer?: (error: object) => void) =>
    answer ? answer(grpcStatus(failure)) : call.emit('error', grpcStatus(failure));
  return Object.fromEntries(Object.keys(service).map((method) => [method, refuse]));
}

const bound = (server: Server, { host, port }: GrpcSettings): Promise<number> =>
  new Promise((resolve, reject) => {
    const address = `${host.includes(':') ? `[${host}]` : host}:${port}`;
    server.bindAsync(address, ServerCredentials.createInsecure(), (error, chosen) =>
      error ? reject(error) : resolve(chosen),
    );
  });
