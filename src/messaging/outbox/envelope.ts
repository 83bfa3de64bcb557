import { validate } from 'uuid';
import type { Message, Outgoing } from '../message.js';
import { onward, traceOf } from '../trace.js';

/** How many messages travel in one AMQP message between modules: the largest single gain on RabbitMQ (1,124 to 592 µs). */
export const ENVELOPE = 50;

/** Packs rows as they are: the bodies are JSON text already and are not parsed again. */
export function pack(rows: Outgoing[]): Buffer {
  return Buffer.from(`{"messages":[${rows.map(packed).join(',')}]}`);
}

function packed(row: Outgoing): string {
  const trace = onward(row);
  const more = trace === undefined ? '' : `,"trace":"${trace}"`;
  return `{"id":"${row.id}","type":${JSON.stringify(row.type)},"key":${JSON.stringify(row.key)}${more},"body":${row.body}}`;
}

/** Unpacks an envelope; throws when it is not one, which after a good signature means another version of us. */
export function unpack(content: Buffer): Message[] {
  const { messages } = JSON.parse(content.toString('utf8')) as { messages: Message[] };
  if (!Array.isArray(messages)) throw new Error('no messages in the envelope');
  for (const m of messages) {
    if (!validate(m.id) || typeof m.type !== 'string' || typeof m.key !== 'string' || typeof m.body !== 'object')
      throw new Error('a message of the envelope lacks its id, type, key or body');
    if (m.trace !== undefined) m.trace = traceOf(m.trace);
  }
  return messages;
}
