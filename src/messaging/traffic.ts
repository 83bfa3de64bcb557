import { Logger } from '@nestjs/common';
import type { Database } from '../database/database.js';
import type { Broker } from './broker/broker.js';
import { moduleOf } from './contract.js';
import { Courtesy } from './courtesy.js';
import { DeadLetters } from './inbox/dead-letters.js';
import type { Handlers } from './handlers.js';
import { Horizon } from './horizon.js';
import { InternalConsumer } from './inbox/internal.consumer.js';
import type { Subscriber } from './outbox/local.carrier.js';
import { Notices } from './notices.js';
import type { Signature } from './outbox/signature.js';
import { type QueueDeclaration, queuesOf, type SortedKeys } from './broker/topology.js';
import { ModuleTraffic, type Surroundings } from './module-traffic.js';

/** About a minute of a module's work; the rest of a backlog waits in the broker, which is made for it. */
const STORED_AT_MOST = 20_000;

/** What the messages of this process need to know. */
export interface TrafficOptions {
  modules: ReadonlyMap<string, Database>;
  retentionDays: number;
  signature: Signature;
  /** Intake of a module pauses while more than this is stored in its inbox and could be worked on. */
  storedAtMost?: number;
  /** What the third gate sorts out of the commands of a module. */
  sorted?: (module: string) => SortedKeys;
}

/** All messages of this process: opened when every handler is known, closed in the order that loses and repeats nothing. */
export class Traffic implements Surroundings {
  private readonly logger = new Logger('Traffic');
  private readonly modules = new Map<string, ModuleTraffic>();
  readonly subscribers = new Map<string, Subscriber>();
  readonly signature: Signature;
  readonly storedAtMost: number;
  readonly courtesy = new Courtesy();
  private readonly sorted: (module: string) => SortedKeys;
  private readonly notices = new Map<Database, Notices>();

  constructor(
    options: TrafficOptions,
    readonly handlers: Handlers,
    readonly broker?: Broker,
  ) {
    this.signature = options.signature;
    this.storedAtMost = options.storedAtMost ?? STORED_AT_MOST;
    this.sorted = options.sorted ?? (() => ({ queries: [], desk: [] }));
    for (const [module, database] of options.modules) {
      const traffic = new ModuleTraffic(module, database, this, options.retentionDays);
      this.modules.set(module, traffic);
      this.subscribers.set(module, traffic);
    }
    // One look for each database, whoever of its modules comes first.
    for (const database of new Set(options.modules.values())) {
      const horizon = new Horizon(database);
      this.all()
        .find((traffic) => traffic.database === database)!
        .loop('horizon', () => horizon.step());
    }
  }

  of(module: string): ModuleTraffic {
    const found = this.modules.get(module);
    if (!found) throw new Error(`the module ${module} is not in this process`);
    return found;
  }

  /** What processes that share this database tell each other. */
  noticesOf(database: Database): Notices {
    let notices = this.notices.get(database);
    if (!notices)
      this.notices.set(database, (notices = new Notices((database.dataSource.options as { url: string }).url)));
    return notices;
  }

  all(): ModuleTraffic[] {
    return [...this.modules.values()];
  }

  /** The queues of the modules in this process. */
  queues(): QueueDeclaration[] {
    return this.all().flatMap(({ module }) => {
      const heard = this.handlers.types(module).map(moduleOf);
      return queuesOf(module, [...new Set(heard)].filter((m) => m !== module).sort(), this.sorted(module));
    });
  }

  open(): void {
    for (const traffic of this.all()) {
      if (this.broker) {
        new InternalConsumer(traffic, this.handlers, this.signature).consumeFrom(this.broker);
        new DeadLetters(traffic, this.handlers, this.signature).consumeFrom(this.broker);
      }
      traffic.loops.forEach((loop) => loop.start());
    }
    for (const notices of this.notices.values()) notices.open();
    this.broker?.open();
  }

  /** Intake first, then effects and lanes, then the relay's last rows; the connections last. */
  async close(): Promise<void> {
    await this.broker?.stopConsuming();
    await Promise.all(this.all().map((t) => t.effects.stop()));
    await Promise.all(this.all().flatMap((t) => t.loops.map((loop) => loop.stop())));
    // Only to the broker: carried locally, messages would begin new work here.
    if (this.broker) await Promise.all(this.all().map((t) => t.flush().catch(() => undefined)));
    await Promise.all([...this.notices.values()].map((notices) => notices.close()));
    await this.broker?.close();
    this.logger.log(`closed; handled (as they came + out of the inbox): ${this.all().map(told).join(', ')}`);
  }
}

const told = ({ module, handled: { now } }: ModuleTraffic): string => `${module} ${now.intake} + ${now.lanes}`;
