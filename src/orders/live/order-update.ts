import { Frame } from '../../gates/live/frame.js';
import { encodeCursor } from '../../gates/live/cursor.js';
import type { FeedEntry } from './feed-reader.js';

/** After one of these nothing is told of an order any more (docs/story.md). */
export const LAST: ReadonlySet<string> = new Set(['order-rejected', 'order-cancelled']);

/** One thing that happened to an order, as everybody who follows it is told. */
export class OrderUpdate extends Frame {
  constructor(
    readonly entry: FeedEntry,
    epoch: string,
    /** What its cursor says was seen; its own place when left out. */
    seen = entry.position,
    resync?: true,
  ) {
    const { sequence, type, at, order } = entry;
    const cursor = encodeCursor({ epoch, position: seen });
    const update = { cursor, orderId: order.id, sequence, type, at, order, ...(resync && { resync }) };
    super(update, 'sanmon.orders.v1.OrderUpdate', cursor);
  }
}
