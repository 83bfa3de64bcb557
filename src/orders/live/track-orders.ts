import { Injectable } from '@nestjs/common';
import type { Principal } from '../../access/principal.js';
import { Failure } from '../../failure.js';
import type { Door } from '../../gates/admit.js';
import { Cursor, Flag, Optional, TextList } from '../../gates/fields.js';
import type { Reader } from '../../gates/live/reader.js';
import { validated } from '../../gates/validate.js';
import { orderNotFound } from '../orders.failures.js';
import { type Following, FOLLOWED_AT_MOST } from './following.js';
import { Live } from './live.js';

/** Who may open a stream of many orders; it is no operation of one call, so it stands here and not over its class. */
export const TRACK_ORDERS: Door = { name: 'orders.track', kind: 'query', scope: 'orders:read' };

/** One request on a stream of many orders. The cursor says from where the orders named with it are told. */
export class TrackOrders {
  @Optional() @TextList(FOLLOWED_AT_MOST) track?: string[];
  @Optional() @TextList(FOLLOWED_AT_MOST) untrack?: string[];
  /** Every order that this caller's lists show. */
  @Optional() @Flag() mine?: boolean;
  @Optional() @Cursor() cursor?: string;
}

/** An order that is not there, or not for this caller. */
export interface Unknown {
  orderId: string;
  failure: Failure;
}

/** Follows many orders on one stream, as its requests say. */
@Injectable()
export class TrackOrdersHandler {
  constructor(private readonly live: Live) {}

  begin(reader: Reader, by: Principal): Following {
    return this.live.follow(reader, by);
  }

  /** Does what one request asks, and resolves when what was missed is told. Throws what is wrong with the request. */
  async handle(following: Following, by: Principal, input: unknown): Promise<Unknown[]> {
    const { track = [], untrack = [], mine, cursor } = validated(TrackOrders, input);
    following.untrack(untrack);
    if (mine === false) following.untrackMine();
    const wanted = [...new Set(track)];
    if (following.size + wanted.length > FOLLOWED_AT_MOST) throw tooMany();
    const visible = new Set(await this.live.visible(by, wanted));
    if (visible.size > 0) await following.track([...visible], cursor);
    if (mine) await following.trackMine(cursor);
    return wanted.filter((id) => !visible.has(id)).map((orderId) => ({ orderId, failure: orderNotFound(orderId) }));
  }
}

const tooMany = (): Failure =>
  new Failure('exhausted', 'too-many-orders', `One stream follows at most ${FOLLOWED_AT_MOST} orders.`);
