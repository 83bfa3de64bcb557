import { Injectable, Optional } from '@nestjs/common';
import type { Principal } from '../../access/principal.js';
import { Database } from '../../database/database.js';
import { CallSpans } from '../../gates/call-spans.js';
import { decodeCursor } from '../../gates/live/cursor.js';
import type { Reader } from '../../gates/live/reader.js';
import { hop, isSampled } from '../../messaging/trace.js';
import { uuidv7 } from '../../uuid.js';
import { OrdersRepository } from '../orders.repository.js';
import { type FeedEntry, FeedReader, type Head } from './feed-reader.js';
import { Following } from './following.js';
import { LAST } from './order-update.js';
import { Tail } from './tail.js';

/** Where somebody begins to follow: after a position (-1 = with everything there is), or anew with a snapshot. */
export interface Start {
  head: Head;
  after: number;
  resync: boolean;
}

/** Following orders: what all channels share. */
@Injectable()
export class Live {
  constructor(
    readonly feed: FeedReader,
    readonly tail: Tail,
    private readonly orders: OrdersRepository,
    private readonly database: Database,
    /** Where the openings of streams are told, and what is told over them. */
    @Optional() readonly spans?: CallSpans,
  ) {}

  /** A follower of nothing yet. */
  follow(reader: Reader, by: Principal): Following {
    return new Following(this, reader, by);
  }

  /** Tells that somebody was told of an entry; the span is as long as that took. */
  toldOf({ trace: parent, type, at, order, position }: FeedEntry): void {
    if (!this.spans || !isSampled(parent)) return;
    const attributes = { 'sanmon.order': order.id, 'sanmon.position': position };
    const self = hop(parent, uuidv7());
    this.spans.tell({ name: `tell ${type}`, kind: 'producer', self, parent, began: Date.parse(at), attributes });
  }

  /** Of these orders those that this caller may see: the one place where it is judged whose order a stream may tell of. */
  async visible(by: Principal, ids: string[]): Promise<string[]> {
    const found = await this.database.read((tx) => this.orders.find(tx, ids));
    return ids.filter((id) => {
      const order = found.get(id);
      return order && (by.customerId === undefined || by.customerId === order.customerId);
    });
  }

  /** Where a cursor stands in the feed of now. One that is unknown, or older than the feed, begins anew. */
  async startAt(cursor?: string): Promise<Start | undefined> {
    if (!cursor) return undefined;
    const head = await this.feed.head();
    const place = decodeCursor(cursor);
    const known = place?.epoch === head.epoch && place.position >= head.floor && place.position <= head.position;
    // Position 0 is what is told from before the feed began: all of it is told again.
    return { head, after: known ? place.position || -1 : -1, resync: !known };
  }

  /** Of these orders those of which nothing will be told after this position. */
  async ended(ids: string[], upto: number): Promise<string[]> {
    const told = ids.length > 0 ? await this.feed.history(ids, -1, upto) : [];
    return told.filter(({ type }) => LAST.has(type)).map(({ order }) => order.id);
  }
}
