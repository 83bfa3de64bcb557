import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Candidate } from './candidates/candidate.js';
import { type Ground, prepare, Running } from './candidates/running.js';
import { LoadGenerator } from './load/generator.js';
import { Meter } from './machine/meter.js';
import { type Servers, startServers } from './machine/servers.js';
import { progress } from './report/progress.js';
import type { Results } from './report/results.js';
import { Turn } from './scenarios/turn.js';
import type { Sizes } from './sizes.js';

/** How long a started application is left alone before its idle memory is read, seconds. */
const IDLE = 1;

/** Servers, load generator, prepared databases: what every turn of every candidate needs. */
export class Bench {
  private readonly prepared = new Set<string>();
  private starts = 0;

  private constructor(
    private readonly directory: string,
    readonly servers: Servers,
    readonly load: LoadGenerator,
    readonly sizes: Sizes,
    readonly results: Results,
  ) {}

  static async open(directory: string, sizes: Sizes, results: Results): Promise<Bench> {
    const [servers, load] = await Promise.all([startServers(directory), LoadGenerator.start()]);
    return new Bench(directory, servers, load, sizes, results);
  }

  async close(): Promise<void> {
    this.load.stop();
    await this.servers.stop();
  }

  /** A fresh database with tables and items, a fresh virtual host, a fresh directory. */
  async ground(candidate: Candidate): Promise<Ground & { drop: () => Promise<void> }> {
    await this.template(candidate);
    const name = `bench_${++this.starts}`;
    const databaseUrl = await this.servers.database(name, templateOf(candidate));
    return { ...this.at(name, databaseUrl), drop: () => this.servers.drop(name) };
  }

  /** The same database and broker again, after a stop; or another virtual host over the same database. */
  async start(candidate: Candidate, ground: Ground): Promise<Turn> {
    const running = await Running.start(candidate, ground);
    const { databasePid, brokerPid } = this.servers;
    const meter = new Meter({
      app: running.pids,
      database: databasePid,
      broker: brokerPid,
      load: this.load.pid,
      observer: running.observerPid,
    });
    return new Turn(running, this.load, meter, this.sizes, this.results);
  }

  /** One turn of a candidate on fresh ground: warmed up, then these scenarios. */
  async turn(candidate: Candidate, scenarios: ((turn: Turn) => Promise<void>)[]): Promise<void> {
    const ground = await this.ground(candidate);
    const turn = await this.start(candidate, ground);
    try {
      await recordStart(turn);
      await turn.placeAndSettle('rest', { seconds: this.sizes.warmUp });
      for (const scenario of scenarios) await scenario(turn);
    } finally {
      await turn.running.stop();
    }
    await ground.drop();
  }

  /** Makes the database that all starts of a candidate copy. */
  private async template(candidate: Candidate): Promise<void> {
    const name = templateOf(candidate);
    if (this.prepared.has(name)) return;
    progress(`${candidate.id}: making its database`);
    await prepare(candidate, this.at(name, await this.servers.database(name)));
    this.prepared.add(name);
  }

  private at(name: string, databaseUrl: string): Ground {
    const directory = join(this.directory, name);
    mkdirSync(directory, { recursive: true });
    return { databaseUrl, brokerUrl: this.servers.vhost(), directory };
  }
}

const templateOf = ({ template }: Candidate): string => `template_${template}`;

async function recordStart(turn: Turn): Promise<void> {
  const { usage } = await turn.metered(() => sleep(IDLE * 1_000));
  turn.record(
    'start',
    { 'first order ms': turn.running.firstOrderMs, 'idle MB': turn.meter.memory().nowMb, 'idle CPU': usage.app / IDLE },
    usage,
  );
}
