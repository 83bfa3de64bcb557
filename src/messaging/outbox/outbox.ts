import { uuidv7 } from '../../uuid.js';
import { sql, type Statement } from '../../database/statement.js';
import type { Tx } from '../../database/transaction.js';
import { type MessageClass, messageOf, moduleOf } from '../contract.js';
import { laneOf, type Outgoing } from '../message.js';
import { traceHeaders } from '../trace.js';

/** The only way anything of this module leaves it: rows written in the caller's transaction, sent by the relay. */
export class Outbox {
  private readonly insert: Statement;

  constructor(
    schema: string,
    /** Whether anybody outside can hear events: without a broker the world's copies are not written. */
    private readonly hasWorld: boolean,
    private readonly wake: () => void,
  ) {
    this.insert = sql(
      `${schema}.outbox.insert`,
      `INSERT INTO ${schema}.outbox (lane, route, key, type, message_id, headers, body)
       SELECT * FROM unnest($1::smallint[], $2::text[], $3::text[], $4::text[], $5::uuid[], $6::text[], $7::text[])`,
    );
  }

  /** Sends commands to the module whose name their type begins with; `trace` is the `traceparent` of what caused them. */
  send<B extends object>(tx: Tx, type: MessageClass<B>, bodies: B[], trace?: string): void {
    const traits = messageOf(type);
    this.write(
      tx,
      bodies.map((body) => outgoing(`internal:${moduleOf(traits.type)}`, traits, body, trace)),
    );
  }

  /** Publishes events: to the modules that hear them, and one copy each to the world. */
  publish<B extends object>(tx: Tx, type: MessageClass<B>, bodies: B[], trace?: string): void {
    const traits = messageOf(type);
    const rows: Outgoing[] = [];
    for (const body of bodies) {
      const row = outgoing(`internal:${moduleOf(traits.type)}.events`, traits, body, trace);
      if (traits.heard) rows.push(row);
      if (traits.published && this.hasWorld) rows.push({ ...row, route: 'public' });
    }
    this.write(tx, rows);
  }

  /** Answers a command that came over AMQP. A reply is tried once and never holds anything back. */
  reply(tx: Tx, replies: { queue: string; headers: object; body: string }[]): void {
    this.write(
      tx,
      replies.map(({ queue, headers, body }) => {
        const id = uuidv7();
        return { route: `reply:${queue}`, key: id, type: 'reply', id, headers: JSON.stringify(headers), body };
      }),
    );
  }

  /** Writes rows as they are; timers that are due come this way. */
  write(tx: Tx, rows: Outgoing[]): void {
    if (rows.length === 0) return;
    tx.collect(this, rows, (all) => ({
      statement: this.insert,
      values: [
        all.map((r) => laneOf(r.key)),
        all.map((r) => r.route),
        all.map((r) => r.key),
        all.map((r) => r.type),
        all.map((r) => r.id),
        all.map((r) => r.headers),
        all.map((r) => r.body),
      ],
      then: () => tx.afterCommit(this.wake),
    }));
  }
}

function outgoing(route: string, { type, key }: { type: string; key: string }, body: object, trace?: string): Outgoing {
  const value = (body as Record<string, unknown>)[key];
  if (typeof value !== 'string') throw new Error(`${type} needs its key ${key}`);
  return { route, key: value, type, id: uuidv7(), headers: traceHeaders(trace), body: JSON.stringify(body) };
}
