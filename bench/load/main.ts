import { AmqpWire } from './amqp.js';
import { GrpcWire } from './grpc.js';
import type { Job, Wire } from './job.js';
import { Loops } from './loops.js';
import { RestWire } from './rest.js';
import { watch, type WatchJob } from './watchers.js';

// The load generator: a process of its own, so that its CPU is told apart. Jobs come and results go over IPC.

/** HTTP/1.1 has one question at a time on a connection, gRPC shares: as usual, 8 connections for 64 clients. */
const GRPC_CONNECTIONS = 8;

async function wiresFor(job: Job): Promise<{ wires: Wire[]; close: () => void }> {
  const shared = async (): Promise<Wire[]> => {
    if (job.gate === 'amqp') return [await AmqpWire.connect(job)];
    const count = job.gate === 'grpc' ? Math.min(GRPC_CONNECTIONS, job.clients) : job.clients;
    return Array.from({ length: count }, (_, n) => (job.gate === 'grpc' ? new GrpcWire(job, n) : new RestWire(job, n)));
  };
  const own = await shared();
  return {
    wires: Array.from({ length: job.clients }, (_, n) => own[n % own.length]!),
    close: () => own.forEach((wire) => wire.close()),
  };
}

async function load(job: Job): Promise<unknown> {
  const { wires, close } = await wiresFor(job);
  try {
    return await new Loops(job, wires).run();
  } finally {
    close();
  }
}

process.on('message', (asked: { job?: Job; watch?: WatchJob }) => {
  const work = asked.watch ? watch(asked.watch) : load(asked.job!);
  void work.then(
    (result) => process.send!({ result }),
    (error: Error) => process.send!({ error: error.stack ?? error.message }),
  );
});
process.on('disconnect', () => process.exit(0));
process.send!({ ready: true });
