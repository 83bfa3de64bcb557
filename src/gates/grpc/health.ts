import type {
  handleUnaryCall,
  Server,
  ServerWritableStream,
  ServiceDefinition,
  UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { HealthImplementation } from 'grpc-health-check';

type Watch = ServerWritableStream<unknown, unknown>;
type Check = handleUnaryCall<unknown, unknown>;

/** While somebody watches, it is looked so often whether that has changed; whoever asks is told what is so now. */
const LOOK_EVERY_MS = 1_000;

/** grpc.health.v1 for the whole process ("") and for each service it serves: NOT_SERVING while `/readyz` says 503. */
export class GrpcHealth {
  private readonly health = new HealthImplementation();
  private readonly watches = new Set<Watch>();
  private serving?: boolean;
  private leaving = false;
  private timer?: NodeJS.Timeout;

  constructor(
    private readonly services: string[],
    private readonly ready: () => Promise<boolean> = () => Promise.resolve(true),
  ) {
    this.say(true);
  }

  /** NOT_SERVING from now on tells load balancers to go elsewhere; calls are answered all the same. */
  leave(): void {
    this.leaving = true;
    this.say(false);
  }

  addTo(server: Server): void {
    const addService = (service: ServiceDefinition, methods: UntypedServiceImplementation): void => {
      const [check, watch] = [methods['check'] as Check, methods['watch'] as (call: Watch) => void];
      server.addService(service, {
        ...methods,
        check: (...asked: Parameters<Check>) => void this.look().then(() => check(...asked)),
        watch: (call: Watch) => void this.look().then(() => this.remember(call, watch)),
      });
    };
    this.health.addToServer({ addService });
  }

  /** Ends all watches: they have no end of their own and would hold up a graceful stop until its deadline. */
  end(): void {
    clearInterval(this.timer);
    for (const watch of this.watches) watch.end();
  }

  private remember(call: Watch, watch: (call: Watch) => void): void {
    if (call.cancelled) return;
    this.watches.add(call);
    this.timer ??= setInterval(() => void this.look(), LOOK_EVERY_MS);
    call.on('cancelled', () => {
      this.watches.delete(call);
      if (this.watches.size > 0) return;
      clearInterval(this.timer);
      this.timer = undefined;
    });
    watch(call);
  }

  private async look(): Promise<void> {
    const ready = await this.ready().catch(() => false);
    this.say(ready && !this.leaving);
  }

  /** Watches are told of changes only. */
  private say(serving: boolean): void {
    if (this.serving === serving) return;
    this.serving = serving;
    for (const service of ['', ...this.services]) this.health.setStatus(service, serving ? 'SERVING' : 'NOT_SERVING');
  }
}
