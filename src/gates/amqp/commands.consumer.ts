import { uuidv7 } from '../../uuid.js';
import type { Broker, Delivery } from '../../messaging/broker/broker.js';
import { moduleOf } from '../../messaging/contract.js';
import type { Handle, Handlers } from '../../messaging/handlers.js';
import type { ModuleTraffic } from '../../messaging/module-traffic.js';
import { queueOf } from '../../messaging/broker/topology.js';
import { isSpent, LEFT_UNENDED } from '../../messaging/inbox/verdict.js';
import { Failure } from '../../failure.js';
import type { Asked } from '../asked.js';
import { operationOf } from '../operation.js';
import type { AmqpGate } from './amqp-gate.js';
import { type Letter, operationNameOf, readLetter, unknownCommand } from './letter.js';
import { type Command, CommandRun } from './command-run.js';
import { Patient } from './patience.js';
import { PatientReplies } from './patient-replies.js';
import type { QueriesConsumer } from './queries.consumer.js';
import { reply } from './reply.js';

/**
 * What is here unsettled, however long the queue is: with bodies of 1 MiB, the largest that are kept whole, 32 MiB. RabbitMQ
 * bounds deliveries by number only.
 */
const PREFETCH = 32;
const SET = 32;
const SET_BYTES = 1024 * 1024;
/** Acts of operators are few; they must not wait behind the backlog that they are to repair. */
const AT_THE_DESK = 8;

/** The third gate of one module: commands from `sanmon.commands`, admitted one by one and handled in sets. */
export class CommandsConsumer {
  private readonly patient: { calls: Patient; replies: PatientReplies };

  constructor(
    private readonly traffic: ModuleTraffic,
    private readonly handlers: Handlers,
    private readonly gate: AmqpGate,
    private readonly queries?: QueriesConsumer,
  ) {
    this.patient = { calls: new Patient(), replies: new PatientReplies(traffic) };
  }

  /** Takes what comes over the broker, if there is one, and what waits. */
  open(broker?: Broker): void {
    const options = {
      prefetch: PREFETCH,
      set: SET,
      setBytes: SET_BYTES,
      cutting: true,
      paused: () => this.traffic.pressure.ofCommands(),
    };
    broker?.consume(queueOf.commands(this.traffic.module), options, (deliveries) => this.take(deliveries));
    const atTheDesk = { prefetch: AT_THE_DESK, set: AT_THE_DESK, setBytes: SET_BYTES, cutting: true };
    broker?.consume(queueOf.desk(this.traffic.module), atTheDesk, (deliveries) => this.take(deliveries));
    this.traffic.loop('waiting commands', () => this.retry());
  }

  private async take(deliveries: Delivery[]): Promise<void> {
    const admitted = new Map<string, Command[]>();
    const refused: { letter: Letter; failure: Failure }[] = [];
    const letters = deliveries.map((delivery) => readLetter(this.traffic.module, delivery, this.gate.publisherScopes));
    // A query comes here only while its own queue is not there.
    await this.queries?.take(letters.filter(isQuery));
    for (const letter of letters.filter((one) => !isQuery(one))) {
      const asked = await this.admit(letter);
      if (asked instanceof Failure) refused.push({ letter, failure: asked });
      else admitted.set(letter.type, [...(admitted.get(letter.type) ?? []), fromLetter(letter, asked)]);
    }
    await this.park(refused);
    const again = deliveries.some(({ message }) => message.fields.redelivered);
    for (const [type, commands] of admitted) await (again ? this.runOf(commands).postpone() : this.run(type, commands));
  }

  private async admit(letter: Letter): Promise<Asked<object> | Failure> {
    const handled = letter.operation && this.handlers.of(moduleOf(letter.type), letter.type);
    return handled ? this.gate.admission.tryAdmit(letter.operation!, letter.call) : unknownCommand(letter.type);
  }

  /** What admission refuses is parked without a key, so it holds nothing, and whoever asked is told. */
  private async park(refused: { letter: Letter; failure: Failure }[]): Promise<void> {
    if (refused.length === 0) return;
    const names = await Promise.all(refused.map(({ letter }) => this.gate.admission.nameOf(letter.call)));
    await this.traffic.database.transaction(async (tx) => {
      await this.traffic.strangers.refuse(
        tx,
        refused.map(({ letter, failure }, i) => ({
          id: uuidv7(),
          type: letter.type,
          principal: names[i]!,
          code: failure.code,
          reason: failure.message,
          content: letter.content,
          headers: letter.headers,
          cut: letter.cut,
        })),
      );
      this.traffic.outbox.reply(
        tx,
        refused.flatMap(({ letter, failure }) => reply(letter, { outcome: failure, replayed: false })),
      );
      tx.afterCommit(() => {
        for (const { letter, failure } of refused)
          this.gate.calls?.ended('amqp', operationNameOf(letter), failure.kind);
      });
    });
  }

  private async run(type: string, commands: Command[]): Promise<void> {
    // Nest's callback is typed for messages; for the world's commands the set is admitted calls and the reception runs them.
    const handle = this.handlers.of(moduleOf(type), type) as unknown as (
      set: object[],
      reception: object,
    ) => ReturnType<Handle>;
    const run = this.runOf(commands);
    await handle(
      commands.map((c) => c.asked),
      run,
    );
    await run.settle();
  }

  private runOf(commands: Command[]): CommandRun {
    return new CommandRun(this.traffic, this.gate, commands, this.patient);
  }

  /** Tries the commands again that waited for a dependency, or met a surprise. */
  private async retry(): Promise<'more' | 'idle'> {
    const { strangers, database, birth } = this.traffic;
    const rows = await strangers.claim(database, SET, birth);
    const [first] = rows;
    if (first?.begun && isSpent(first.attempts)) {
      await database.transaction((tx) => strangers.again(tx, first, LEFT_UNENDED));
      return 'more';
    }
    const byType = new Map<string, Command[]>();
    for (const row of rows) byType.set(row.type, [...(byType.get(row.type) ?? []), CommandRun.fromRow(row)]);
    for (const [type, commands] of byType) await this.run(type, commands);
    return first?.begun || rows.length === SET ? 'more' : 'idle';
  }
}

const isQuery = ({ operation }: Letter): boolean => operation !== undefined && operationOf(operation).kind === 'query';

const fromLetter = (letter: Letter, asked: Asked<object>): Command => ({
  asked,
  attempts: 0,
  type: letter.type,
  headers: letter.headers,
  replyTo: letter.replyTo,
  correlationId: letter.correlationId,
  content: letter.content,
  since: letter.since,
});
