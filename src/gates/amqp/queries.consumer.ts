import { Logger } from '@nestjs/common';
import { uuidv7 } from '../../uuid.js';
import type { Broker, Publication } from '../../messaging/broker/broker.js';
import { moduleOf } from '../../messaging/contract.js';
import type { Handlers } from '../../messaging/handlers.js';
import { queueOf } from '../../messaging/broker/topology.js';
import { Failure, invalid } from '../../failure.js';
import type { Answer, Asked, Patience } from '../asked.js';
import { asFailure } from '../failures.js';
import type { AmqpGate } from './amqp-gate.js';
import type { QueryReception } from './command-reception.js';
import { answersOfEach } from './each.js';
import { Patient } from './patience.js';
import { type Letter, operationNameOf, readLetter, unknownCommand } from './letter.js';
import { reply } from './reply.js';

/** So many are here at once, and no more: reads must not crowd out the work. */
const AT_ONCE = 32;
const TELL_EVERY_MS = 10_000;

/**
 * Reads of one module over the third gate. Nothing is written for them, neither an inbox nor what is refused: whoever asks
 * is told, at once and without the database. A set of one kind is one read, one kind after the other.
 */
export class QueriesConsumer {
  private readonly logger: Logger;
  private readonly patient = new Patient();
  private untold = 0;
  private toldAt = -Infinity;

  constructor(
    private readonly module: string,
    private readonly broker: Broker,
    private readonly handlers: Handlers,
    private readonly gate: AmqpGate,
  ) {
    this.logger = new Logger(`${module} queries`);
  }

  open(): void {
    const options = { prefetch: AT_ONCE, set: AT_ONCE, cutting: true };
    this.broker.consume(queueOf.queries(this.module), options, (deliveries) =>
      this.take(deliveries.map((delivery) => readLetter(this.module, delivery, this.gate.publisherScopes))),
    );
  }

  /** Answers letters that ask. Throws when the answers could not be sent, so that the set is taken again. */
  async take(letters: Letter[]): Promise<void> {
    const admitted = new Map<string, { letter: Letter; asked: Asked<object> }[]>();
    const replies: Publication[] = [];
    for (const letter of letters) {
      const asked = await this.admit(letter);
      if (asked instanceof Failure) replies.push(...this.answer(letter, { outcome: asked, replayed: false }));
      else admitted.set(letter.type, [...(admitted.get(letter.type) ?? []), { letter, asked }]);
    }
    for (const [type, calls] of admitted) {
      const { answers, patience } = await this.ask(
        type,
        calls.map(({ asked }) => asked),
      );
      calls.forEach(({ letter, asked }, i) => {
        this.gate.spans?.ended(asked, answers[i]!.outcome);
        const better = this.patient.of(asked, letter, answers[i]!, patience);
        if (better) void this.answerLater(letter, better);
        else replies.push(...this.answer(letter, answers[i]!));
      });
    }
    const sent = await this.broker.publish(replies);
    if (sent.includes('lost')) throw new Error('the broker took no answers');
  }

  private async admit(letter: Letter): Promise<Asked<object> | Failure> {
    if (!letter.operation || !this.handlers.of(moduleOf(letter.type), letter.type)) return unknownCommand(letter.type);
    const asked = await this.gate.admission.tryAdmit(letter.operation, letter.call);
    return asked instanceof Failure || letter.replyTo ? asked : nobodyAsks();
  }

  private async ask(type: string, set: Asked<object>[]): Promise<{ answers: Answer<unknown>[]; patience?: Patience }> {
    let answers: Answer<unknown>[] = [];
    let follow: Patience | undefined;
    const reception: QueryReception = {
      ask: async (useCase, asked, patience) => {
        follow = patience as Patience | undefined;
        answers = await this.gate.execution.ask(useCase, asked);
      },
      each: async (asked, answer) => void (answers = await answersOfEach(asked, answer)),
    };
    try {
      await (this.handlers.of(moduleOf(type), type) as unknown as Asking)(set, reception);
      return { answers, patience: follow };
    } catch (error) {
      // The database is away: the asker is told, and asks again when it likes.
      const outcome = asFailure(error);
      return { answers: set.map(() => ({ outcome, replayed: false })) };
    }
  }

  private answer(letter: Letter, answer: Answer<unknown>): Publication[] {
    const { outcome } = answer;
    this.gate.calls?.ended(
      'amqp',
      operationNameOf(letter),
      outcome instanceof Failure ? outcome.kind : 'ok',
      letter.since,
    );
    if (!letter.replyTo) this.tell(letter, outcome as Failure);
    return reply(letter, answer).map(publication);
  }

  /** Its delivery is settled long before: of whoever would rather wait, a crash takes the answer, and it asks again. */
  private async answerLater(letter: Letter, better: () => Promise<Answer<unknown>>): Promise<void> {
    await this.broker.publish(this.answer(letter, await better()));
  }

  /** Who cannot be answered is at least counted, where an operator looks. */
  private tell({ type, call }: Letter, { code }: Failure): void {
    this.untold++;
    if (performance.now() - this.toldAt < TELL_EVERY_MS) return;
    this.logger.warn(
      `${this.untold} queries without a reply-to; the last: ${type} of ${call.otherwise?.name}, ${code}`,
    );
    this.toldAt = performance.now();
    this.untold = 0;
  }
}

type Asking = (set: Asked<object>[], reception: QueryReception) => Promise<unknown>;

const nobodyAsks = (): Failure =>
  invalid([{ field: 'reply-to', message: 'must say where the answer goes' }], 'reply-to-missing');

const publication = ({ queue, headers, body }: ReturnType<typeof reply>[number]): Publication => {
  const { correlationId, ...rest } = headers as { correlationId?: string };
  return {
    exchange: '',
    routingKey: queue,
    content: Buffer.from(body),
    mandatory: true,
    properties: {
      messageId: `msg_${uuidv7()}`,
      correlationId,
      contentType: 'application/json',
      persistent: false,
      headers: rest,
    },
  };
};
