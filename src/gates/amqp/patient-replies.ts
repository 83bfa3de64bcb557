import type { Tx } from '../../database/transaction.js';
import type { Loop } from '../../messaging/loop.js';
import type { ModuleTraffic } from '../../messaging/module-traffic.js';
import type { Reply } from './reply.js';

const SET = 500;
/** What is held goes out by itself so long after its time: who waits here comes first, unless it is gone. */
const SLACK_SECONDS = 2;

/** A reply as it could be given now, and the one that is worth waiting for. */
export interface Held {
  reply: Reply;
  seconds: number;
  better: () => Promise<Reply[]>;
}

/**
 * Replies to commands whose senders would rather wait. The early answer is stored with the command, as a timer: should this
 * process end, it goes out when its time is over. The better one takes its place, so exactly one is sent.
 */
export class PatientReplies {
  private ready: { id: string; reply: Reply }[] = [];
  private readonly loop: Loop;

  constructor(private readonly traffic: ModuleTraffic) {
    this.loop = traffic.loop('patient replies', () => this.step());
  }

  /** Stores early answers in the transaction of their commands, and waits for the better ones after its commit. */
  async hold(tx: Tx, held: Held[]): Promise<void> {
    if (held.length === 0) return;
    const timed = held.map(({ reply, seconds }) => ({ ...reply, seconds: seconds + SLACK_SECONDS }));
    const ids = await this.traffic.timers.holdReplies(tx, timed);
    tx.afterCommit(() => held.forEach(({ better }, i) => void this.wait(ids[i]!, better)));
  }

  private async wait(id: string, better: Held['better']): Promise<void> {
    // What goes wrong here costs patience only: the early answer stands.
    const replies = await better().catch(() => []);
    this.ready.push(...replies.map((reply) => ({ id, reply })));
    this.loop.bell.ring();
  }

  private async step(): Promise<'more' | 'idle'> {
    const set = this.ready.slice(0, SET);
    if (set.length === 0) return 'idle';
    await this.traffic.database.transaction(async (tx) => {
      const ids = set.map(({ id }) => id);
      const ours = await this.traffic.timers.takeReplies(tx, ids);
      const replies = set.filter(({ id }) => ours.has(id)).map(({ reply }) => reply);
      this.traffic.outbox.reply(tx, replies);
    });
    this.ready = this.ready.slice(set.length);
    return this.ready.length > 0 ? 'more' : 'idle';
  }
}
