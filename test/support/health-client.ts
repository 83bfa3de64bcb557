import { Client, credentials, type ServiceError } from '@grpc/grpc-js';
import { loadSync, type MethodDefinition } from '@grpc/proto-loader';
import { protoPath } from 'grpc-health-check';

type Check = MethodDefinition<{ service: string }, { status: string }>;
const { Check: check } = loadSync(protoPath, { enums: String })['grpc.health.v1.Health'] as unknown as { Check: Check };

/** Asks grpc.health.v1 as an orchestrator does. */
export class HealthClient {
  private readonly client: Client;

  constructor(address: string) {
    this.client = new Client(address, credentials.createInsecure());
  }

  /** What is said of a service, or the status code of the refusal. */
  check(service: string): Promise<string | number> {
    return new Promise((resolve) =>
      this.client.makeUnaryRequest(
        check.path,
        check.requestSerialize,
        check.responseDeserialize,
        { service },
        (error: ServiceError | null, answer) => resolve(error ? error.code : answer!.status),
      ),
    );
  }

  close(): void {
    this.client.close();
  }
}
