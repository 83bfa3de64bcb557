import { v7 } from 'uuid';
import type { Scope } from '../../access/principal.js';
import type { Broker, Delivery } from '../../messaging/broker.js';
import type { Handle, Handlers } from '../../messaging/handlers.js';
import type { ModuleTraffic } from '../../messaging/traffic.js';
import { queueOf } from '../../messaging/topology.js';
import { Failure } from '../../failure.js';
import type { Admission } from '../admit.js';
import type { Asked } from '../asked.js';
import type { Execution } from '../execution.js';
import { type Letter, readLetter, unknownCommand } from './letter.js';
import { type Command, CommandRun } from './command-run.js';
import { reply } from './reply.js';

const PREFETCH = 400;
const SET = 200;

/** The third gate of one module: commands from `sanmon.commands`, admitted one by one and handled in sets. */
export class CommandsConsumer {
  constructor(
    private readonly traffic: ModuleTraffic,
    private readonly handlers: Handlers,
    private readonly gate: { admission: Admission; execution: Execution; publisherScopes: readonly Scope[] },
  ) {}

  consumeFrom(broker: Broker): void {
    const options = {
      prefetch: PREFETCH,
      set: SET,
      cutting: true,
      paused: () => this.traffic.pressure.ofCommands(),
    };
    broker.consume(queueOf.commands(this.traffic.module), options, (deliveries) => this.take(deliveries));
    this.traffic.loop('waiting commands', () => this.retry());
  }

  private async take(deliveries: Delivery[]): Promise<void> {
    const admitted = new Map<string, Command[]>();
    const refused: { letter: Letter; failure: Failure }[] = [];
    for (const delivery of deliveries) {
      const letter = readLetter(delivery, this.gate.publisherScopes);
      const asked = await this.admit(letter);
      if (asked instanceof Failure) refused.push({ letter, failure: asked });
      else admitted.set(letter.type, [...(admitted.get(letter.type) ?? []), fromLetter(letter, asked)]);
    }
    await this.park(refused);
    for (const [type, commands] of admitted) await this.run(type, commands);
  }

  private async admit(letter: Letter): Promise<Asked<object> | Failure> {
    const handled = letter.operation && this.handlers.of(this.traffic.module, letter.type);
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
          id: v7(),
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
        refused.flatMap(({ letter, failure }) => reply(letter, { failure }, false)),
      );
    });
  }

  private async run(type: string, commands: Command[]): Promise<void> {
    // Nest's callback is typed for messages; for the world's commands the set is admitted calls and the reception runs them.
    const handle = this.handlers.of(this.traffic.module, type) as unknown as (
      set: object[],
      reception: object,
    ) => ReturnType<Handle>;
    const run = new CommandRun(this.traffic, this.gate.execution, commands);
    await handle(
      commands.map((c) => c.asked),
      { run: run.run },
    );
    await run.settle();
  }

  /** Tries the commands again that waited for a dependency, or met a surprise. */
  private async retry(): Promise<'more' | 'idle'> {
    const rows = await this.traffic.strangers.claim(this.traffic.database, SET);
    const byType = new Map<string, Command[]>();
    for (const row of rows) byType.set(row.type, [...(byType.get(row.type) ?? []), CommandRun.fromRow(row)]);
    for (const [type, commands] of byType) await this.run(type, commands);
    return rows.length === SET ? 'more' : 'idle';
  }
}

const fromLetter = (letter: Letter, asked: Asked<object>): Command => ({
  asked,
  attempts: 0,
  type: letter.type,
  headers: letter.headers,
  replyTo: letter.replyTo,
  correlationId: letter.correlationId,
  content: letter.content,
});
