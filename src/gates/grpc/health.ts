import type { Server, ServerWritableStream, ServiceDefinition, UntypedServiceImplementation } from '@grpc/grpc-js';
import { HealthImplementation } from 'grpc-health-check';

type Watch = ServerWritableStream<unknown, unknown>;

/** grpc.health.v1 for the whole process ("") and for each service it serves. */
export class GrpcHealth {
  private readonly health = new HealthImplementation();
  private readonly watches = new Set<Watch>();

  constructor(private readonly services: string[]) {
    this.setServing(true);
  }

  /** NOT_SERVING tells load balancers to go elsewhere; calls are answered all the same. */
  setServing(serving: boolean): void {
    for (const service of ['', ...this.services]) this.health.setStatus(service, serving ? 'SERVING' : 'NOT_SERVING');
  }

  addTo(server: Server): void {
    const addService = (service: ServiceDefinition, methods: UntypedServiceImplementation): void =>
      server.addService(service, { ...methods, watch: this.remembered(methods['watch'] as (call: Watch) => void) });
    this.health.addToServer({ addService });
  }

  /** Ends all watches: they have no end of their own and would hold up a graceful stop until its deadline. */
  end(): void {
    for (const watch of this.watches) watch.end();
  }

  private remembered(watch: (call: Watch) => void) {
    return (call: Watch): void => {
      this.watches.add(call);
      call.on('cancelled', () => this.watches.delete(call));
      watch(call);
    };
  }
}
