import { announce } from '../../support/announce.js';
import { cloneDatabase, dropClone, takeVhost } from '../../support/fixtures.js';
import { freePort } from '../../support/ports.js';
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
  /** Without a broker the local carrier carries. */
  broker?: boolean;
  mail?: boolean;
  /** A server of the test's own, to be restarted; otherwise a copy on the rig's. */
  database?: string;
  environment?: Record<string, string>;
}

/** The names of the ways out of the first replica. */
export type Way = 'database' | 'broker' | 'provider' | 'mail';

/**
 * One case: database, broker, provider with its own process and ledger, SMTP sink, replicas, journal. The first replica
 * is the victim and reaches everything through fault proxies; the others reach it directly.
 */
export class Stage {
  readonly journal = new Journal();
  readonly houses: HouseProcess[] = [];
  readonly grpcPorts: number[] = [];
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
    return this.houses[0]!;
  }

  /** A replica drawn anew for each attempt. */
  readonly anyone = (): RestClient => this.chance.one(this.houses).rest;

  /** Puts an item on the shelf. */
  async stock(sku: string, quantity: number): Promise<void> {
    const { rest } = this.houses.at(-1)!;
    const put = await rest.put(`/v1/items/${sku}`, { name: sku, currency: 'JPY', unitPrice: 600 });
    const received = await rest.post(`/v1/items/${sku}/receipts`, { quantity });
    if (put.status >= 300 || received.status >= 300) throw new Error(`${put.text} ${received.text}`);
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
    const { replicas = 1, broker = true, mail = true } = plan;
    this.borrowed = plan.database === undefined;
    this.database = plan.database ?? (await cloneDatabase());
    this.provider = await ProviderProcess.start(this.database);
    const direct: Record<string, string> = {
      DATABASE_URL: this.database,
      PAYMENT_SANDBOX_URL: this.provider.url,
      ...plan.environment,
    };
    if (broker) direct['RABBITMQ_URL'] = this.brokerUrl = await takeVhost();
    if (mail) {
      this.sink = await startSmtpSink();
      direct['SMTP_URL'] = this.sink.url;
    }
    const watched = await this.behindProxies(direct);
    for (let i = 0; i < replicas; i++) {
      this.grpcPorts.push(await freePort());
      const environment = { ...(i === 0 ? watched : direct), GRPC_PORT: String(this.grpcPorts[i]) };
      this.houses.push(await HouseProcess.start(environment));
    }
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
      if (!url) continue;
      const proxy = (this.ways[way as Way] = await FaultProxy.before(url));
      behind[setting] = proxy.through(url);
    }
    return behind;
  }
}
