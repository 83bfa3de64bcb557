import type { Tx } from '../../database/transaction.js';
import { Failure, passes } from '../../failure.js';
import { traceOf } from '../../messaging/trace.js';
import { judge, type Verdict } from '../../messaging/inbox/verdict.js';
import type { Stranger, WaitingCommand } from '../../messaging/inbox/strangers.js';
import type { ModuleTraffic } from '../../messaging/module-traffic.js';
import { remembered, type Scope } from '../../access/principal.js';
import type { Answer, Asked, Patience } from '../asked.js';
import { operationOf } from '../operation.js';
import type { AmqpGate } from './amqp-gate.js';
import type { CommandReception } from './command-reception.js';
import { answersOfEach } from './each.js';
import { Patient } from './patience.js';
import type { Held, PatientReplies } from './patient-replies.js';
import { type Asker, reply } from './reply.js';
import { operationCalled } from './routing.js';

/** One admitted command from the world, and how whoever sent it is answered. */
export interface Command {
  asked: Asked<object>;
  type: string;
  attempts: number;
  headers: Record<string, unknown>;
  replyTo?: string;
  correlationId?: string;
  content: Buffer;
  /** Its place among the waiting ones, when it was stored. */
  stored?: Pick<WaitingCommand, 'seq' | 'begun'>;
  /** When it came, by `performance.now()`; absent when it was stored meanwhile. */
  since?: number;
}

/** What is stored of a command that waits: it was judged once, so who it is stands beside it. */
export interface StoredHeaders {
  headers: Record<string, unknown>;
  scopes: Scope[];
  key?: string;
  keyIsMessageId?: boolean;
  replyTo?: string;
  correlationId?: string;
}

/**
 * One set of commands on its way through a use case. Outcomes are recorded in the transaction that handled them; what
 * could not be handled there (refused before it, waiting, unexpected) is recorded in one of its own.
 */
export class CommandRun implements CommandReception {
  private readonly recorded = new Set<number>();
  private answers: Answer<unknown>[] = [];
  private patience?: Patience;

  constructor(
    private readonly traffic: ModuleTraffic,
    private readonly gate: Pick<AmqpGate, 'execution' | 'calls' | 'spans'>,
    private readonly commands: Command[],
    private readonly patient: { calls: Patient; replies: PatientReplies },
  ) {}

  readonly run: CommandReception['run'] = async (useCase, set, patience) => {
    this.patience = patience as Patience | undefined;
    this.answers = await this.gate.execution.run(useCase, set, async (tx, outcomes) => {
      const final = outcomes.filter(({ answer }) => !waits(answer.outcome));
      await this.record(tx, final);
      tx.afterCommit(() => final.forEach(({ index }) => this.recorded.add(index)));
    });
  };

  /** Each is done in a transaction of its own; answers and refusals are recorded afterwards. */
  readonly each: CommandReception['each'] = async (set, answer) => {
    this.answers = await answersOfEach(set, answer);
  };

  /** Records everything that the use case's own transaction did not. */
  async settle(): Promise<void> {
    const left = this.answers
      .map((answer, index) => ({ index, answer }))
      .filter(({ index }) => !this.recorded.has(index));
    if (left.length === 0) return;
    await this.traffic.database.transaction(async (tx) => {
      await this.record(
        tx,
        left.filter(({ answer }) => !waits(answer.outcome)),
      );
      for (const { index, answer } of left)
        if (waits(answer.outcome)) await this.keep(tx, this.commands[index]!, answer.outcome);
    });
  }

  /** Keeps them all for later instead of running them: they came again, so they may have ended the process that had them. */
  async postpone(): Promise<void> {
    await this.traffic.database.transaction(async (tx) => {
      for (const command of this.commands) await this.store(tx, command, CAME_AGAIN, AT_ONCE);
    });
  }

  /** Answers, lists refusals, and takes out what had been waiting. */
  private async record(tx: Tx, outcomes: { index: number; answer: Answer<unknown> }[]): Promise<void> {
    const parked: Stranger[] = [];
    const refused: Stranger[] = [];
    for (const { index, answer } of outcomes) {
      const command = this.commands[index]!;
      const { outcome, replayed } = answer;
      if (outcome instanceof Failure && !replayed)
        (outcome.code === 'idempotency-key-reused' ? parked : refused).push(stranger(command, outcome));
    }
    await this.answer(tx, outcomes);
    tx.afterCommit(() => this.count(outcomes));
    await this.traffic.strangers.refuse(tx, parked);
    await this.traffic.strangers.keep(tx, 'refused', refused);
    const waited = outcomes.flatMap(({ index }) => this.commands[index]!.stored?.seq ?? []);
    // Fewer than we claimed: our lease ran out and another process was first. Then nothing of this may stand.
    if (waited.length > 0 && (await this.traffic.strangers.settle(tx, waited)) < waited.length)
      throw new Error('a waiting command was handled by another process meanwhile');
  }

  /** Writes the replies; those that had better wait are held. */
  private async answer(tx: Tx, outcomes: { index: number; answer: Answer<unknown> }[]): Promise<void> {
    const held: Held[] = [];
    for (const { index, answer } of outcomes) {
      const { asked } = this.commands[index]!;
      const asker: Asker = { ...this.commands[index]!, trace: asked.trace };
      const better = this.patient.calls.of(asked, asker, answer, this.patience);
      const [early] = reply(asker, answer);
      if (early && better)
        held.push({ reply: early, seconds: asked.wait!, better: async () => reply(asker, await better()) });
      else if (early) this.traffic.outbox.reply(tx, [early]);
    }
    await this.patient.replies.hold(tx, held);
  }

  private count(outcomes: { index: number; answer: Answer<unknown> }[]): void {
    for (const { index, answer } of outcomes) {
      const { asked, since } = this.commands[index]!;
      const outcome = answer.outcome instanceof Failure ? answer.outcome.kind : 'ok';
      this.gate.calls?.ended('amqp', asked.operation.name, outcome, since);
      this.gate.spans?.ended(asked, answer.outcome);
    }
  }

  /** Keeps a command that cannot run now: what may pass waits for ever, a surprise six times. */
  private async keep(tx: Tx, command: Command, failure: Failure): Promise<void> {
    const verdict = judge(failure, command.attempts, passes(failure) ? failure : undefined);
    if (command.stored) return this.traffic.strangers.again(tx, command.stored, verdict);
    await this.store(tx, command, failure, verdict);
  }

  private async store(tx: Tx, command: Command, failure: Failure, verdict: Verdict): Promise<void> {
    const stored: StoredHeaders = {
      headers: command.headers,
      scopes: [...command.asked.by.scopes],
      key: command.asked.key,
      keyIsMessageId: command.asked.keyIsMessageId,
      replyTo: command.replyTo,
      correlationId: command.correlationId,
    };
    const content = Buffer.from(JSON.stringify(command.asked.command));
    await this.traffic.strangers.wait(
      tx,
      { ...stranger(command, failure), content, headers: stored },
      verdict.after,
      verdict.counts ? 1 : 0,
    );
  }

  /** A waiting command as it was admitted. */
  static fromRow(row: WaitingCommand): Command {
    const { headers, scopes, key, keyIsMessageId, replyTo, correlationId } = JSON.parse(row.headers) as StoredHeaders;
    const type = operationCalled(row.type)!;
    const command = Object.assign(new type(), JSON.parse(row.body) as object);
    return {
      asked: {
        id: row.id,
        operation: operationOf(type),
        command,
        by: remembered(row.principal, scopes),
        key,
        keyIsMessageId,
        trace: traceOf(headers['traceparent']),
      },
      type: row.type,
      attempts: row.attempts,
      headers,
      replyTo,
      correlationId,
      content: Buffer.from(row.body),
      stored: row,
    };
  }
}

const CAME_AGAIN = new Failure('unavailable', 'came-again', 'RabbitMQ delivered it again: what had it may have ended.');
const AT_ONCE: Verdict = { state: 'retry', after: 0, code: CAME_AGAIN.code, reason: CAME_AGAIN.message, counts: false };

/** Not an outcome yet: a dependency is away, or something of ours is broken. */
const waits = (outcome: unknown): outcome is Failure =>
  outcome instanceof Failure &&
  (passes(outcome) || outcome.kind === 'internal' || outcome.code === 'idempotency-key-in-use');

const stranger = (command: Command, failure: Failure): Stranger => ({
  id: command.asked.id,
  type: command.type,
  principal: command.asked.by.name,
  code: failure.code,
  reason: failure.message,
  content: command.content,
  headers: command.headers,
});
