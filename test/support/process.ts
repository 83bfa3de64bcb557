import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from './eventually.js';
import { API_KEYS, KEY } from './house.js';
import { freePort } from './ports.js';
import { RestClient } from './rest-client.js';

const main = join(import.meta.dirname, '../../dist/main.js');

/** The built product as a process of its own, as `npm start` runs it: it can be killed and started again. */
export class HouseProcess {
  private child?: ChildProcess;
  output = '';

  private constructor(
    private readonly environment: Record<string, string>,
    readonly rest: RestClient,
  ) {}

  /** Starts it on ports of its own and waits until it is ready. */
  static async start(environment: Record<string, string>): Promise<HouseProcess> {
    if (!existsSync(main)) throw new Error('This test runs the built product: npm run build');
    const port = await freePort();
    const house = new HouseProcess(
      {
        PATH: process.env['PATH'] ?? '',
        PORT: String(port),
        GRPC_PORT: '0',
        HOST: '127.0.0.1',
        DATA_DIR: mkdtempSync(join(tmpdir(), 'sanmon-process-')),
        API_KEYS,
        MESSAGE_SECRET: 'the secret of the test processes',
        LOG_LEVEL: 'warn',
        ...environment,
      },
      new RestClient(`http://127.0.0.1:${port}`, KEY),
    );
    await house.startAgain();
    return house;
  }

  async startAgain(): Promise<void> {
    const child = spawn(process.execPath, [main], { env: this.environment, stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout.on('data', (text: Buffer) => (this.output += text.toString()));
    child.stderr.on('data', (text: Buffer) => (this.output += text.toString()));
    this.child = child;
    await eventually(
      async () => {
        if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}:\n${this.output}`);
        expect((await fetch(`${this.rest.origin}/readyz`)).status).toBe(200);
      },
      // Usually two seconds; on a machine that others load as well, ten were seen.
      { within: 40_000, every: 50 },
    ).catch((error: Error) => {
      throw new Error(`it is not ready: ${error.message}\n${this.output.slice(-2_000)}`);
    });
  }

  /** Whether the process is there; it ends only when it is told to. */
  get running(): boolean {
    return this.child?.exitCode === null && this.child.signalCode === null;
  }

  /** kill -9: nothing is flushed, nothing is said. */
  async kill(): Promise<void> {
    await this.end('SIGKILL');
  }

  /** SIGTERM, as an orchestrator does it; answers the exit code. */
  stop(): Promise<number | null> {
    return this.end('SIGTERM');
  }

  private end(signal: NodeJS.Signals): Promise<number | null> {
    const child = this.child!;
    if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve(child.exitCode);
    return new Promise((resolve) => {
      child.once('exit', (code) => resolve(code));
      child.kill(signal);
    });
  }
}
