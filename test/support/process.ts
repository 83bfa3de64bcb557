import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from './eventually.js';
import { API_KEYS, KEY } from './house.js';
import { freePort } from './ports.js';
import { RestClient } from './rest-client.js';

const main = join(import.meta.dirname, '../../dist/main.js');
/** What a process says at its end of the messages it handled, as they came and out of the inbox. */
const HANDLED = /handled \(as they came \+ out of the inbox\): [^"]*/g;

/** The built product as a process of its own, as `npm start` runs it: it can be killed and started again. */
export class HouseProcess {
  private child?: ChildProcess;
  output = '';

  private constructor(
    private readonly environment: Record<string, string>,
    readonly rest: RestClient,
    private readonly program: string,
  ) {}

  /** Starts it on ports of its own and waits until it is ready. */
  static async start(environment: Record<string, string>): Promise<HouseProcess> {
    const house = await HouseProcess.prepared(environment);
    await house.startAgain();
    return house;
  }

  /** Gives it its ports and starts nothing yet. `program` is the main file of a build, this one's when left out. */
  static async prepared(environment: Record<string, string>, program = main): Promise<HouseProcess> {
    if (!existsSync(program)) throw new Error('This test runs the built product: npm run build');
    const port = await freePort();
    return new HouseProcess(
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
      program,
    );
  }

  async startAgain(): Promise<void> {
    this.launch();
    await this.ready();
  }

  /** Starts it and does not wait. */
  launch(): void {
    const child = spawn(process.execPath, [this.program], { env: this.environment, stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout.on('data', (text: Buffer) => (this.output += text.toString()));
    child.stderr.on('data', (text: Buffer) => (this.output += text.toString()));
    this.child = child;
  }

  /** Waits until it says so itself. */
  async ready(): Promise<void> {
    const child = this.child!;
    await eventually(
      async () => {
        if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}:\n${this.output}`);
        expect((await fetch(`${this.rest.origin}/readyz`)).status).toBe(200);
      },
      // Usually two seconds; on a machine that others load as well (load 25 on two cores), forty were not enough.
      { within: 90_000, every: 50 },
    ).catch((error: Error) => {
      throw new Error(`it is not ready: ${error.message}\n${this.output.slice(-2_000)}`);
    });
  }

  /** Waits for its queues, as it does itself for five seconds only: what is published before they stand is lost. */
  async queuesStand(): Promise<void> {
    await eventually(
      async () => {
        const { checks } = (await this.rest.get('/readyz')).body;
        const missing = Object.keys(checks).filter((name) => /^(broker$|queue )/.test(name) && checks[name] !== 'ok');
        expect(missing).toEqual([]);
      },
      { within: 60_000 },
    );
  }

  /** Resident memory in bytes, as the system counts it. */
  get memory(): number {
    const status = readFileSync(`/proc/${this.child!.pid}/status`, 'utf8');
    return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)![1]) * 1024;
  }

  /** Whether the process is there; it ends only when it is told to. */
  get running(): boolean {
    return this.child?.exitCode === null && this.child.signalCode === null;
  }

  /** Changes its environment from the next start on. */
  set(environment: Record<string, string>): void {
    Object.assign(this.environment, environment);
  }

  /** How many messages of a module it said to have handled at its ends; it says so at LOG_LEVEL `info`. */
  handledOf(module: string): number {
    const counts = (this.output.match(HANDLED) ?? []).map((said) => {
      const [, came, stored] = new RegExp(`${module} (\\d+) \\+ (\\d+)`).exec(said) ?? [];
      return Number(came ?? 0) + Number(stored ?? 0);
    });
    return counts.reduce((sum, count) => sum + count, 0);
  }

  /** Of the operating system; undefined before the first start. */
  get pid(): number | undefined {
    return this.child?.pid;
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
    const { child } = this;
    if (!child) return Promise.resolve(null);
    if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve(child.exitCode);
    return new Promise((resolve) => {
      child.once('exit', (code) => resolve(code));
      child.kill(signal);
    });
  }
}
