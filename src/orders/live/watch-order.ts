import { Injectable } from '@nestjs/common';
import type { Asked } from '../../gates/asked.js';
import { Cursor, Id, Optional } from '../../gates/fields.js';
import type { Reader } from '../../gates/live/reader.js';
import { Streams } from '../../gates/live/streams.js';
import { Operation } from '../../gates/operation.js';
import { orderNotFound } from '../orders.failures.js';
import { Live } from './live.js';

/** Asks to be told what happens to one order, from its beginning or from a cursor, until nothing more can. */
@Operation({
  name: 'orders.watch',
  scope: 'orders:read',
  kind: 'query',
  streams: true,
  refuses: ['order-not-found'],
})
export class WatchOrder {
  @Id() id!: string;
  @Optional() @Cursor() cursor?: string;
}

/** Opens streams of one order. They end by themselves after REJECTED or CANCELLED, which are final. */
@Injectable()
export class WatchOrderHandler {
  constructor(
    private readonly live: Live,
    private readonly streams: Streams,
  ) {}

  /** Throws what must be said before a stream begins; answers whether nothing is left to be told. */
  judge(asked: Asked<WatchOrder>): Promise<{ isOver: boolean }> {
    const judged = this.judged(asked);
    // Of a stream its opening is the call.
    this.live.spans?.follow(asked, judged);
    return judged;
  }

  private async judged({ command, by }: Asked<WatchOrder>): Promise<{ isOver: boolean }> {
    this.streams.demandRoom();
    const { id, cursor } = command;
    if ((await this.live.visible(by, [id])).length === 0) throw orderNotFound(id);
    const start = await this.live.startAt(cursor);
    return { isOver: !!start && !start.resync && (await this.live.ended([id], start.after)).length > 0 };
  }

  async begin({ command, by }: Asked<WatchOrder>, reader: Reader): Promise<void> {
    const following = this.live.follow(reader, by);
    const endIfDone = (): void => {
      if (following.isDone) reader.end();
    };
    following.onTold = endIfDone;
    await following.track([command.id], command.cursor);
    endIfDone();
  }
}
