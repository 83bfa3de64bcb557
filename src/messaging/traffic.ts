import { Logger } from '@nestjs/common';
import type { Database } from '../database/database.js';
import type { Broker } from './broker.js';
import { moduleOf } from './contract.js';
import { DeadLetters } from './dead-letters.js';
import { Effects } from './effects.js';
import type { Handlers } from './handlers.js';
import { Inbox } from './inbox.js';
import { Intake } from './intake.js';
import { InternalConsumer } from './internal.consumer.js';
import { Lanes } from './lanes.js';
import { LocalCarrier, type Subscriber } from './local.carrier.js';
import { Loop } from './loop.js';
import { Memory } from './memory.js';
import { Notices } from './notices.js';
import { Outbox } from './outbox.js';
import { Pressure } from './pressure.js';
import { RabbitMqCarrier } from './rabbitmq.carrier.js';
import { Relay } from './relay.js';
import type { Signature } from './signature.js';
import { Strangers } from './strangers.js';
import { Timers } from './timers.js';
import { type QueueDeclaration, queuesOf } from './topology.js';

/** About a minute of a module's work; the rest of a backlog waits in the broker, which is made for it. */
const STORED_AT_MOST = 20_000;

/** What the messages of this process need to know. */
export interface TrafficOptions {
  modules: ReadonlyMap<string, Database>;
  retentionDays: number;
  signature: Signature;
  /** Intake of a module pauses while more than this is stored in its inbox and could be worked on. */
  storedAtMost?: number;
}

/** 10,000 messages: what is more than that waits for the next start. */
const FLUSH_PASSES = 20;

/** The message path of one module: its outbox and relay, its intake, inbox and lanes, its effects and timers. */
export class ModuleTraffic {
  readonly outbox: Outbox;
  readonly timers: Timers;
  readonly effects: Effects;
  readonly inbox: Inbox;
  readonly intake: Intake;
  readonly strangers: Strangers;
  readonly pressure: Pressure;
  readonly loops: Loop[] = [];
  private readonly lanesLoop: Loop;
  readonly relayLoop: Loop;
  private readonly relay: Relay;

  constructor(
    readonly module: string,
    readonly database: Database,
    private readonly traffic: Traffic,
    retentionDays: number,
  ) {
    this.outbox = new Outbox(module, traffic.broker !== undefined, () => this.relayLoop.bell.ring());
    const topic = `${module}.inbox`;
    this.inbox = new Inbox(module, () => {
      this.lanesLoop.bell.ring();
      traffic.noticesOf(database).tell(topic);
    });
    traffic.noticesOf(database).on(topic, () => this.lanesLoop.bell.ring());
    this.intake = new Intake(module, this.inbox, traffic.handlers);
    this.strangers = new Strangers(module);
    this.pressure = new Pressure(module, database, traffic.storedAtMost);
    this.timers = new Timers(module, database, this.outbox);
    this.effects = new Effects(module, database);
    const lanes = new Lanes(module, database, this.inbox, traffic.handlers);
    const memory = new Memory(module, database, retentionDays);
    this.relay = new Relay(module, database, this.carrier());
    this.relayLoop = this.loop('relay', () => this.relay.step());
    this.lanesLoop = this.loop('lanes', () => lanes.step());
    this.loop('timers', () => this.timers.step());
    this.loop('effects', () => this.effects.sweep());
    this.loop('memory', () => memory.step());
  }

  /** Adds a supervised loop that starts and stops with the others. */
  loop(name: string, step: Loop['step']): Loop {
    const loop = new Loop(`${this.module} ${name}`, step);
    this.loops.push(loop);
    return loop;
  }

  /** Sends what still stands in the outbox, so that it need not wait for our next start. At most a few seconds. */
  async flush(): Promise<void> {
    for (let pass = 0; pass < FLUSH_PASSES && (await this.relay.step()) === 'more'; pass++);
  }

  private carrier(): LocalCarrier | RabbitMqCarrier {
    const { broker, signature, subscribers, handlers } = this.traffic;
    if (!broker) return new LocalCarrier(this.database, subscribers, handlers);
    broker.whenReady(() => this.relayLoop.bell.ring());
    return new RabbitMqCarrier(broker, signature);
  }
}

/** All messages of this process: opened when every handler is known, closed in the order that loses and repeats nothing. */
export class Traffic {
  private readonly logger = new Logger('Traffic');
  private readonly modules = new Map<string, ModuleTraffic>();
  readonly subscribers = new Map<string, Subscriber>();
  readonly signature: Signature;
  readonly storedAtMost: number;
  private readonly notices = new Map<Database, Notices>();

  constructor(
    options: TrafficOptions,
    readonly handlers: Handlers,
    readonly broker?: Broker,
  ) {
    this.signature = options.signature;
    this.storedAtMost = options.storedAtMost ?? STORED_AT_MOST;
    for (const [module, database] of options.modules) {
      const traffic = new ModuleTraffic(module, database, this, options.retentionDays);
      this.modules.set(module, traffic);
      this.subscribers.set(module, traffic);
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
      return queuesOf(module, [...new Set(heard)].filter((m) => m !== module).sort());
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
    this.logger.log('closed');
  }
}
