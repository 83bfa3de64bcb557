import { type ConfirmChannel, connect, type ConsumeMessage } from 'amqplib';
import { v7 } from 'uuid';
import { SETTINGS } from '../settings.js';
import { columns, type Run, run, transaction } from './database.js';

/** A message as a handler gets it. */
export interface Message {
  id: string;
  type: string;
  // Each type has its own; nothing validates them here, which is part of what the limit leaves out.
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  body: any;
}

/** A message to be sent: `public` goes to the world alone, every other route is the queue of a module. */
export interface Outgoing {
  route: string;
  type: string;
  body: object;
}

/** Handles a set in the transaction that marks it seen; what it answers is sent, and `after` waits for the commit. */
export type Handle = (run: Run, messages: Message[], after: (work: () => void) => void) => Promise<Outgoing[]>;

/** How a message path is built; the differences between L and L8. */
export interface Shape {
  /** Messages for one queue that travel in one AMQP message. */
  envelope: number;
  /** Events for the world go here, one AMQP message each. */
  events?: string;
}

interface Row {
  seq: string;
  route: string;
  type: string;
  id: string;
  body: string;
}

const SET = 500;
const PREFETCH = 500;
const POLL_MS = 500;

const connection = await connect(SETTINGS.brokerUrl, { noDelay: true });
const publishing: ConfirmChannel = await connection.createConfirmChannel();
/** A limit has no way to go on after trouble, and must not look fast by ignoring it. */
export const fatal = (error: unknown): never => {
  console.error(error);
  process.exit(1);
};

/** The outbox of one module and its relay: rows are read, confirmed by the broker, and deleted, set by set. */
export class Outbox {
  private running = false;
  private again = false;

  constructor(
    private readonly schema: string,
    private readonly shape: Shape,
  ) {
    setInterval(() => this.wake(), POLL_MS);
  }

  /** Writes messages in the caller's transaction; `wake` when it is committed. */
  async write(run: Run, messages: Outgoing[]): Promise<void> {
    if (messages.length === 0) return;
    await run(
      `INSERT INTO ${this.schema}.outbox (route, type, id, body) SELECT * FROM unnest($1::text[], $2::text[], $3::uuid[], $4::text[])`,
      columns(
        messages,
        (m) => m.route,
        (m) => m.type,
        () => v7(),
        (m) => JSON.stringify(m.body),
      ),
    );
  }

  wake(): void {
    this.again = true;
    if (this.running) return;
    this.running = true;
    void this.relay().catch(fatal);
  }

  private async relay(): Promise<void> {
    while (this.again) {
      this.again = false;
      const rows = await run<Row>(
        `SELECT seq, route, type, id, body FROM ${this.schema}.outbox ORDER BY seq LIMIT ${SET}`,
      );
      if (rows.length === 0) continue;
      this.again = true;
      await Promise.all(this.parcels(rows).map((parcel) => this.publish(parcel)));
      await run(`DELETE FROM ${this.schema}.outbox WHERE seq = ANY($1::bigint[])`, [rows.map((row) => row.seq)]);
    }
    this.running = false;
  }

  private parcels(rows: Row[]): Row[][] {
    const parcels: Row[][] = [];
    const open = new Map<string, Row[]>();
    for (const row of rows) {
      const parcel = row.route === 'public' ? undefined : open.get(row.route);
      if (parcel && parcel.length < this.shape.envelope) parcel.push(row);
      else {
        const begun = [row];
        open.set(row.route, begun);
        parcels.push(begun);
      }
    }
    return parcels;
  }

  private publish(parcel: Row[]): Promise<void> {
    const { route, type, id, body } = parcel[0]!;
    const world = route === 'public';
    const content = world
      ? body
      : `[${parcel.map((row) => `{"id":"${row.id}","type":"${row.type}","body":${row.body}}`).join(',')}]`;
    return new Promise((resolve, reject) => {
      publishing.publish(
        world ? this.shape.events! : '',
        world ? type : route,
        Buffer.from(content),
        { persistent: true, mandatory: !world, messageId: id, type },
        (error: unknown) => (error ? reject(new Error('not confirmed', { cause: error })) : resolve()),
      );
    });
  }
}

/** Takes a queue in, set by set: seen marks, handler and outbox in one transaction, then one ack for all. */
export async function takeIn(schema: string, outbox: Outbox, handle: Handle, single: boolean): Promise<void> {
  const channel = await connection.createChannel();
  await channel.assertQueue(schema, {
    durable: true,
    arguments: { 'x-queue-type': 'quorum', ...(single && { 'x-single-active-consumer': true }) },
  });
  await channel.prefetch(PREFETCH);
  const waiting: ConsumeMessage[] = [];
  let running = false;
  const work = async (): Promise<void> => {
    while (waiting.length > 0) {
      const deliveries: ConsumeMessage[] = [];
      const messages: Message[] = [];
      while (waiting.length > 0 && messages.length < SET) {
        const delivery = waiting.shift()!;
        deliveries.push(delivery);
        messages.push(...(JSON.parse(delivery.content.toString()) as Message[]));
      }
      const after: (() => void)[] = [];
      await transaction(async (run) => {
        const fresh = await mark(run, schema, messages);
        await outbox.write(run, await handle(run, fresh, (work) => after.push(work)));
      });
      for (const work of after) work();
      outbox.wake();
      channel.ack(deliveries.at(-1)!, true);
    }
    running = false;
  };
  await channel.consume(schema, (delivery) => {
    if (!delivery) return fatal(new Error(`${schema}: the broker cancelled`));
    waiting.push(delivery);
    if (running) return;
    running = true;
    setImmediate(() => void work().catch(fatal));
  });
}

async function mark(run: Run, schema: string, messages: Message[]): Promise<Message[]> {
  const rows = await run<{ id: string }>(
    `INSERT INTO ${schema}.seen (id) SELECT * FROM unnest($1::uuid[]) ON CONFLICT DO NOTHING RETURNING id`,
    [messages.map((m) => m.id)],
  );
  if (rows.length === messages.length) return messages;
  const fresh = new Set(rows.map((row) => row.id));
  return messages.filter((m) => fresh.delete(m.id));
}

/** A durable topic exchange for the world's events. */
export const declareEvents = async (name: string): Promise<void> => {
  await publishing.assertExchange(name, 'topic', { durable: true });
};
