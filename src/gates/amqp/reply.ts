import type { Failure } from '../../failure.js';

/** The answer for whoever asked to be answered: `{ result }` or `{ failure }`. */
export function reply(
  { replyTo, correlationId }: { replyTo?: string; correlationId?: string },
  body: { result: unknown } | { failure: Failure },
  replayed: boolean,
): { queue: string; headers: object; body: string }[] {
  if (!replyTo) return [];
  return [
    {
      queue: replyTo,
      headers: { correlationId, ...(replayed && { 'idempotent-replayed': 'true' }) },
      body: JSON.stringify(body),
    },
  ];
}
