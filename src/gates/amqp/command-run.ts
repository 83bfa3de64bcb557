import type { Tx } from '../../database/transaction.js';
import { Failure, passes } from '../../failure.js';
import { judge } from '../../messaging/inbox.js';
import type { Stranger, WaitingCommand } from '../../messaging/strangers.js';
import type { ModuleTraffic } from '../../messaging/traffic.js';
import type { Scope } from '../../access/principal.js';
import type { Answer, Asked, UseCase } from '../asked.js';
import type { Execution } from '../execution.js';
import { operationOf, operations } from '../operation.js';
import { reply } from './reply.js';

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
  seq?: string;
}

/** What is stored of a command that waits: it was judged once, so who it is stands beside it. */
export interface StoredHeaders {
  headers: Record<string, unknown>;
  scopes: Scope[];
  key?: string;
  replyTo?: string;
  correlationId?: string;
}

/**
 * One set of commands on its way through a use case. Outcomes are recorded in the transaction that handled them; what
 * could not be handled there (refused before it, waiting, unexpected) is recorded in one of its own.
 */
export class CommandRun {
  private readonly recorded = new Set<number>();
  private answers: Answer<unknown>[] = [];

  constructor(
    private readonly traffic: ModuleTraffic,
    private readonly execution: Execution,
    private readonly commands: Command[],
  ) {}

  readonly run = async <C extends object, R>(useCase: UseCase<C, R>, set: Asked<C>[]): Promise<void> => {
    this.answers = await this.execution.run(useCase, set, async (tx, outcomes) => {
      const final = outcomes.filter(({ answer }) => !waits(answer.outcome));
      await this.record(tx, final);
      tx.afterCommit(() => final.forEach(({ index }) => this.recorded.add(index)));
    });
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

  /** Answers, lists refusals, and takes out what had been waiting. */
  private async record(tx: Tx, outcomes: { index: number; answer: Answer<unknown> }[]): Promise<void> {
    const parked: Stranger[] = [];
    const refused: Stranger[] = [];
    for (const { index, answer } of outcomes) {
      const command = this.commands[index]!;
      const { outcome, replayed } = answer;
      const failure = outcome instanceof Failure ? outcome : undefined;
      this.traffic.outbox.reply(tx, reply(command, failure ? { failure } : { result: outcome }, replayed));
      if (failure && !replayed)
        (failure.code === 'idempotency-key-reused' ? parked : refused).push(stranger(command, failure));
    }
    await this.traffic.strangers.refuse(tx, parked);
    await this.traffic.strangers.keep(tx, 'refused', refused);
    const waited = outcomes.flatMap(({ index }) => this.commands[index]!.seq ?? []);
    // Fewer than we claimed: our lease ran out and another process was first. Then nothing of this may stand.
    if (waited.length > 0 && (await this.traffic.strangers.settle(tx, waited)) < waited.length)
      throw new Error('a waiting command was handled by another process meanwhile');
  }

  /** Keeps a command that cannot run now: what may pass waits for ever, a surprise six times. */
  private async keep(tx: Tx, command: Command, failure: Failure): Promise<void> {
    const verdict = judge(failure, command.attempts, passes(failure) ? failure : undefined);
    if (command.seq) return this.traffic.strangers.again(tx, command.seq, verdict);
    const stored: StoredHeaders = {
      headers: command.headers,
      scopes: [...command.asked.by.scopes],
      key: command.asked.key,
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
    const { headers, scopes, key, replyTo, correlationId } = JSON.parse(row.headers) as StoredHeaders;
    const [type] = [...operations()].find(([, traits]) => traits.name === row.type)!;
    const command = Object.assign(new type(), JSON.parse(row.body) as object);
    return {
      asked: {
        id: row.id,
        operation: operationOf(type),
        command,
        by: { name: row.principal, scopes: new Set(scopes) },
        key,
      },
      type: row.type,
      attempts: row.attempts,
      headers,
      replyTo,
      correlationId,
      content: Buffer.from(row.body),
      seq: row.seq,
    };
  }
}

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
