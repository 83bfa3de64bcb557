import { Client } from 'pg';
import { announce } from '../../support/announce.js';
import { cloneDatabase, dropClone, takeVhost } from '../../support/fixtures.js';
import { Placement } from '../../support/placement.js';
import { HouseProcess } from '../../support/process.js';
import type { RestClient } from '../../support/rest-client.js';
import { type SmtpSink, startSmtpSink } from '../../support/smtp-sink.js';
import { checkEverything } from './checker.js';
import { Chance } from './chance.js';
import { FaultProxy } from './fault-proxy.js';
import { Journal } from './journal.js';
import { ProviderProcess } from './provider-process.js';

/** What stands on a stage, and what the first replica reaches only through a proxy. */
export interface Plan {
  replicas?: number;
  /** Without a broker the local carrier carries; a text is the address, or addresses, of one of the test's own. */
  broker?: boolean | string;
  mail?: boolean;
  /** A database of the test's own; otherwise a copy of the migrated template on the rig's server. */
  database?: string;
  /** Every replica reaches everything through the proxies, not only the first. */
  allBehind?: boolean;
  /** Prepares the replicas without starting them. */
  dark?: boolean;
  /** How each replica is spread over processes; what a run names for all (`npm run test:placements`) when left out. */
  placement?: string;
  environment?: Record<string, string>;
}

const WHOLE = 'orders,payments,inventory,notifications';

/** The names of the ways out of the first replica. */
export type Way = 'database' | 'broker' | 'provider' | 'mail';

/**
 * One case: database, broker, provider with its own process and ledger, SMTP sink, replicas, journal. The first replica
 * is the victim and reaches everything through fault proxies; the others reach it directly. A run in several placements
 * spreads each replica over processes, whose modules {@link Stage.of} knows.
 */
export class Stage {
  readonly journal = new Journal();
  readonly houses: HouseProcess[] = [];
  readonly grpcPorts: number[] = [];
  private placement!: Placement;
  private direct!: Record<string, string>;
  readonly ways = {} as Record<Way, FaultProxy>;
  database!: string;
  brokerUrl!: string;
  sink?: SmtpSink;
  private provider!: ProviderProcess;
  private borrowed = true;

  private constructor(readonly chance: Chance) {}

  static async set(what: string, plan: Plan = {}): Promise<Stage> {
    const stage = new Stage(Chance.drawn(what));
    try {
      await stage.build(plan);
      return stage;
    } catch (error) {
      await stage.strike();
      throw error;
    }
  }

  get victim(): HouseProcess {
    return this.of('orders')[0]!;
  }

  /** The processes of the placement that have a module; the first one is behind the proxies. */
  of(module: string): HouseProcess[] {
    return this.houses.filter((_, i) => (this.placement.places[i]?.modules as string[] | undefined)?.includes(module));
  }

  /** One more process on the common database, of this or of another build; it is not started, and nobody calls it. */
  async further(environment: Record<string, string>, program?: string): Promise<HouseProcess> {
    const its = { DATABASE_URL: this.database, ...this.direct, ...environment };
    const house = await HouseProcess.prepared(its, program);
    this.houses.push(house);
    return house;
  }

  /** A process that takes orders, drawn anew for each attempt. */
  readonly anyone = (): RestClient => this.chance.one(this.of('orders')).rest;

  /** Asks the database, past every proxy. */
  async rows<T extends object>(text: string, values: unknown[] = []): Promise<T[]> {
    const client = new Client({ connectionString: this.database });
    client.on('error', () => undefined);
    await client.connect();
    return (await client.query<T>(text, values).finally(() => client.end())).rows;
  }

  /** What the processes warned of and complained about. */
  complaints(): string[] {
    const lines = this.houses.flatMap((house, i) => house.output.split('\n').map((line) => `${i} ${line}`));
    return lines.filter((line) => /"level":"(warn|error)"/.test(line));
  }

  /** Puts on the shelf what a load asks for. */
  async stockForLoad(house?: HouseProcess): Promise<void> {
    await this.stock('tea', 1_000_000, house);
    await this.stock('sold-out', 1, house);
  }

  /** Puts an item on the shelf, through a process that has inventory. */
  async stock(sku: string, quantity: number, { rest } = this.of('inventory').at(-1)!): Promise<void> {
    const put = await rest.put(`/v1/items/${sku}`, { name: sku, currency: 'JPY', unitPrice: 600 });
    const received = await rest.post(`/v1/items/${sku}/receipts`, { quantity });
    if (put.status >= 300 || received.status >= 300) throw new Error(`${put.text} ${received.text}`);
  }

  /** What the sessions of the database are at, for a failure that is hard to explain. */
  async activity(): Promise<string> {
    const rows = await this.rows<{ line: string }>(
      `SELECT concat_ws(' ', count(*), state, wait_event_type, wait_event, round(extract(epoch FROM max(now() - xact_start)), 1), left(query, 70)) AS line
         FROM pg_stat_activity WHERE datname = current_database() GROUP BY state, wait_event_type, wait_event, left(query, 70) ORDER BY count(*) DESC LIMIT 25`,
    );
    return rows.map(({ line }) => line).join('\n');
  }

  /** A provider on the stage's present database, at the address of the old one. */
  async restartProvider(): Promise<void> {
    await this.provider.stop();
    this.provider = await ProviderProcess.start(this.database);
    this.ways.provider.retarget(this.provider.url);
  }

  /** Everything flows again, then the checker; answers the seconds until quiet. */
  async check({ mailsAtMost = 1, within = 60_000 } = {}): Promise<number> {
    for (const way of Object.values(this.ways)) way.turn('pass');
    return checkEverything(this.database, { journal: this.journal, mails: this.sink?.mails, mailsAtMost }, within);
  }

  /** Ends what runs and takes away what it left. Trouble here is said, not thrown: it would hide why the case failed. */
  async strike(): Promise<void> {
    this.journal.closed = true;
    const steps = [
      () => Promise.all(this.houses.map((house) => house.kill())),
      () => Promise.all(Object.values(this.ways).map((way) => way.close())),
      () => this.sink?.stop(),
      () => this.provider?.stop(),
      () => this.placement?.dropDatabases(),
      () => (this.borrowed && this.database ? dropClone(this.database) : undefined),
    ];
    for (const step of steps)
      try {
        await step();
      } catch (error) {
        announce(`striking the stage: ${(error as Error).message}`);
      }
  }

  private async build(plan: Plan): Promise<void> {
    const { broker = true, mail = true } = plan;
    this.borrowed = plan.database === undefined;
    this.database = plan.database ?? (await cloneDatabase());
    this.provider = await ProviderProcess.start(this.database);
    const direct: Record<string, string> = {
      PAYMENT_SANDBOX_URL: this.provider.url,
      ...plan.environment,
    };
    if (broker) direct['RABBITMQ_URL'] = this.brokerUrl = broker === true ? await takeVhost() : broker;
    if (mail) {
      this.sink = await startSmtpSink();
      direct['SMTP_URL'] = this.sink.url;
    }
    this.direct = direct;
    await this.raise(plan, direct);
    if (!plan.dark) await this.placement.showAllIn(this.database);
  }

  /** Prepares every process, and starts those side by side that need each other. */
  private async raise(plan: Plan, direct: Record<string, string>): Promise<void> {
    const { replicas = 1, placement = process.env['SANMON_TEST_PLACEMENT'] ?? WHOLE } = plan;
    const repeated = placement.includes('*') || replicas === 1 ? placement : `${placement}*${replicas}`;
    this.placement = await Placement.of(repeated, this.database);
    const watched = await this.behindProxies({ ...direct, DATABASE_URL: this.database });
    const seen = new Set<string>();
    for (const { modules, grpcPort, environment } of this.placement.places) {
      const behind = plan.allBehind || !seen.has(String(modules));
      seen.add(String(modules));
      this.grpcPorts.push(grpcPort);
      const through = behind && { ...watched, ...this.throughProxy(environment) };
      this.houses.push(await HouseProcess.prepared({ ...environment, ...direct, ...through }));
    }
    if (plan.dark) return;
    if (placement.includes('|')) await Promise.all(this.houses.map((house) => house.startAgain()));
    else for (const house of this.houses) await house.startAgain();
  }

  /** The database settings of one process, leading through the proxy: all databases stand on one server. */
  private throughProxy(environment: Record<string, string>): Record<string, string> {
    const urls = Object.entries(environment).filter(([name]) => name.endsWith('DATABASE_URL'));
    return Object.fromEntries(urls.map(([name, url]) => [name, this.ways.database.through(url)]));
  }

  private async behindProxies(direct: Record<string, string>): Promise<Record<string, string>> {
    const behind = { ...direct };
    const settings: Record<Way, string> = {
      database: 'DATABASE_URL',
      broker: 'RABBITMQ_URL',
      provider: 'PAYMENT_SANDBOX_URL',
      mail: 'SMTP_URL',
    };
    for (const [way, setting] of Object.entries(settings)) {
      const url = direct[setting];
      // Of several brokers the product itself finds the one that lives.
      if (!url || url.includes(',')) continue;
      const proxy = (this.ways[way as Way] = await FaultProxy.before(url));
      behind[setting] = proxy.through(url);
    }
    // Each process is told of its own databases only.
    delete behind['DATABASE_URL'];
    return behind;
  }
}
