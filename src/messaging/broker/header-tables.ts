import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** Stands in a header table that could not be read; its value is the size in bytes. */
export const UNREADABLE = 'sanmon-unreadable';

/** Deeper than anybody means; `JSON.stringify` fails at some thousands, and amqplib's decoder before that. */
const MAX_DEPTH = 32;

/**
 * amqplib decodes header tables by recursion and, when that throws, gives up the whole connection: a message with 25 KB of
 * nested lists would be delivered, end every consumer of this process, and be delivered again, a thousand times. So its
 * decoder is wrapped, before amqplib takes hold of it: broker.ts loads this file first.
 */
const load = createRequire(import.meta.url);
const codec = load(join(dirname(load.resolve('amqplib')), 'lib/codec.js')) as {
  decodeFields: (table: Buffer) => Record<string, unknown>;
};
const decode = codec.decodeFields;

codec.decodeFields = (table) => {
  try {
    const fields = decode(table);
    return isDeep(fields, 0) ? { [UNREADABLE]: table.length } : fields;
  } catch {
    return { [UNREADABLE]: table.length };
  }
};

const isDeep = (value: unknown, depth: number): boolean =>
  typeof value === 'object' &&
  value !== null &&
  !Buffer.isBuffer(value) &&
  (depth >= MAX_DEPTH || Object.values(value).some((inner) => isDeep(inner, depth + 1)));
