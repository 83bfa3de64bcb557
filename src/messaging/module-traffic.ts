import type { Database } from '../database/database.js';
import { Allowance } from './inbox/allowance.js';
import { Backlog } from './inbox/backlog.js';
import { Birth } from './birth.js';
import type { Broker } from './broker/broker.js';
import type { Courtesy } from './courtesy.js';
import { Effects } from './effects/effects.js';
import { Handled } from './inbox/handled.js';
import type { Handlers } from './handlers.js';
import { Inbox } from './inbox/inbox.js';
import { Intake } from './inbox/intake.js';
import { Lanes } from './inbox/lanes.js';
import { LocalCarrier, type Subscriber } from './outbox/local.carrier.js';
import { Loop } from './loop.js';
import { Memory } from './memory.js';
import { Notices } from './notices.js';
import { Outbox } from './outbox/outbox.js';
import { Overdue } from './effects/overdue.js';
import { Peers } from './peers.js';
import { Pressure } from './inbox/pressure.js';
import { RabbitMqCarrier } from './outbox/rabbitmq.carrier.js';
import { Relay } from './outbox/relay.js';
import type { Signature } from './outbox/signature.js';
import { Stored } from './inbox/stored.js';
import { Strangers } from './inbox/strangers.js';
import { Timers } from './timers.js';

/** What the message paths of one process share. */
export interface Surroundings {
  readonly broker?: Broker;
  readonly handlers: Handlers;
  readonly signature: Signature;
  /** Every module of this process, for the carrier that goes without a broker. */
  readonly subscribers: ReadonlyMap<string, Subscriber>;
  readonly storedAtMost: number;
  /** What this process shows to those who call it. */
  readonly courtesy: Courtesy;
  /** What processes that share this database tell each other. */
  noticesOf(database: Database): Notices;
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
  readonly peers: Peers;
  readonly birth: Birth;
  readonly courtesy: Courtesy;
  readonly handled = new Handled();
  readonly overdue: Overdue;
  readonly backlog: Backlog;
  readonly loops: Loop[] = [];
  private readonly lanesLoop: Loop;
  private readonly effectsLoop: Loop;
  readonly relayLoop: Loop;
  private readonly relay: Relay;

  constructor(
    readonly module: string,
    readonly database: Database,
    private readonly around: Surroundings,
    retentionDays: number,
  ) {
    this.courtesy = around.courtesy;
    this.outbox = new Outbox(module, around.broker !== undefined, () => this.relayLoop.bell.ring());
    const notices = around.noticesOf(database);
    const topic = `${module}.inbox`;
    this.inbox = new Inbox(module, () => {
      this.lanesLoop.bell.ring();
      notices.hint(topic);
    });
    notices.on(topic, () => this.lanesLoop.bell.ring());
    this.birth = new Birth(database);
    this.peers = new Peers(notices, `${module}.peers`);
    this.intake = new Intake(module, this.inbox, around.handlers, this.handled);
    this.strangers = new Strangers(module, new Allowance(module), this.handled);
    this.pressure = new Pressure(module, database, around.storedAtMost);
    this.timers = new Timers(module, database, this.outbox);
    this.effects = new Effects(
      module,
      { database, courtesy: around.courtesy, wake: () => this.effectsLoop.bell.ring() },
      around.handlers.tell,
    );
    this.overdue = new Overdue(module, database);
    this.backlog = new Backlog(module, database);
    const lanes = new Lanes(
      { module, database, birth: this.birth, stored: new Stored(module), peers: this.peers, handled: this.handled },
      around.handlers,
    );
    const memory = new Memory(module, database, retentionDays);
    this.relay = new Relay(
      module,
      { database, birth: this.birth, courtesy: around.courtesy },
      this.carrier(),
      around.broker ? undefined : this.peers,
    );
    const more = `${module}.outbox`;
    this.relayLoop = this.loop('relay', async () => {
      const progress = await this.relay.step();
      // More than our share: the others may be asleep.
      if (progress === 'more' && !this.peers.alone) notices.tell(more);
      return progress;
    });
    notices.on(more, () => this.relayLoop.bell.ring());
    this.lanesLoop = this.loop('lanes', () => lanes.step());
    this.loop('timers', () => this.timers.step());
    this.effectsLoop = this.loop('effects', () => this.effects.sweep());
    this.loop('memory', () => memory.step());
    this.loop('peers', () => this.peers.step());
    this.loop('overdue', () => this.overdue.step());
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
    const { broker, signature, subscribers, handlers } = this.around;
    if (!broker) return new LocalCarrier(this.database, subscribers, handlers, handlers.tell);
    broker.whenReady(() => this.relayLoop.bell.ring());
    return new RabbitMqCarrier(broker, signature, handlers.tell);
  }
}
