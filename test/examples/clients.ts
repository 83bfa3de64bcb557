import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

export const ROOT = join(import.meta.dirname, '../..');

export type Gate = 'REST' | 'gRPC' | 'RabbitMQ';

/** A client of examples/: how its README says to run it, and what of that this machine lacks. */
export interface Client {
  gate: Gate;
  command: string;
  lacks: string[];
  /** Whether it goes on where it was when its stream breaks. */
  resumes: boolean;
}

const runs = (program: string, ...args: string[]): boolean =>
  spawnSync(program, args, { stdio: 'ignore' }).status === 0;
const programs = (...names: string[]): string[] => names.filter((n) => !runs('/bin/sh', '-c', `command -v ${n}`));

// Debian's modules belong to Debian's Python, which need not be the first one in PATH.
const pythons = ['python3', '/usr/bin/python3'].filter((python) => runs(python, '--version'));
const pythonWith = (module: string): string | undefined => pythons.find((p) => runs(p, '-c', `import ${module}`));
const modules = (...names: string[]): string[] =>
  names.filter((n) => !pythonWith(n)).map((name) => `python3 with ${name}`);

/** What compiles the protos for Python; its README names where the packages come from. */
export const PROTOC =
  'protoc -I proto --python_out=.examples/python --grpc_python_out=.examples/python \\\n' +
  '  --plugin=protoc-gen-grpc_python="$(command -v grpc_python_plugin)" sanmon/orders/v1/orders.proto';
export const lacksOfProtoc = programs('protoc', 'grpc_python_plugin');

export const clients: Client[] = [
  { gate: 'REST', command: 'node .examples/rest/order.js', lacks: [], resumes: true },
  { gate: 'REST', command: 'python3 examples/rest/order.py', lacks: modules('json'), resumes: true },
  { gate: 'REST', command: 'examples/rest/order.sh', lacks: programs('bash', 'curl', 'jq'), resumes: false },
  { gate: 'gRPC', command: 'node .examples/grpc/order.js', lacks: [], resumes: true },
  {
    gate: 'gRPC',
    command: 'PYTHONPATH=.examples/python python3 examples/grpc/order.py',
    lacks: [...modules('grpc'), ...lacksOfProtoc],
    resumes: true,
  },
  { gate: 'gRPC', command: 'examples/grpc/order.sh', lacks: programs('bash', 'jq'), resumes: false },
  { gate: 'RabbitMQ', command: 'node .examples/rabbitmq/order.js', lacks: [], resumes: false },
  { gate: 'RabbitMQ', command: 'python3 examples/rabbitmq/order.py', lacks: modules('pika'), resumes: false },
  {
    gate: 'RabbitMQ',
    command: 'examples/rabbitmq/order.sh',
    lacks: programs('bash', 'jq', 'amqp-consume', 'amqp-publish'),
    resumes: false,
  },
];

/** A client while it runs; what it prints can be read from the beginning. */
export class Running {
  output = '';
  errors = '';
  private readonly child: ChildProcess;
  private readonly ended: Promise<unknown[]>;

  constructor(
    readonly client: Client,
    paymentMethod: string,
    environment: Record<string, string>,
  ) {
    const module = /rabbitmq/.test(client.command) ? 'pika' : 'grpc';
    const line = `${client.command} ${paymentMethod}`
      .replace(/^node /, `${process.execPath} `)
      .replace(/(^| )python3 /, `$1${pythonWith(client.gate === 'REST' ? 'json' : module)} `);
    this.child = spawn('/bin/sh', ['-c', line], { cwd: ROOT, env: { ...process.env, ...environment } });
    this.child.stdout!.on('data', (text: Buffer) => (this.output += text.toString()));
    this.child.stderr!.on('data', (text: Buffer) => (this.errors += text.toString()));
    this.ended = once(this.child, 'close');
  }

  /** The exit code and what was printed, once it has ended. */
  async end(): Promise<{ code: number | null; id: string; lines: string[]; errors: string }> {
    const [code] = (await this.ended) as [number | null];
    const [id = '', ...lines] = this.output
      .trim()
      .split('\n')
      .map((line) => line.trim());
    return { code, id, lines, errors: this.errors };
  }

  kill(): void {
    this.child.kill('SIGKILL');
  }
}
