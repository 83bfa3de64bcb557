import { Controller, Get, Req, Res } from '@nestjs/common';
import type { Request, Response } from 'express';
import type { Asked } from '../../gates/asked.js';
import { credentialOf } from '../../gates/http/call.js';
import { EventStream } from '../../gates/http/event-stream.js';
import { Replies } from '../../gates/http/replies.js';
import { Input } from '../../gates/input.decorator.js';
import { Streams } from '../../gates/live/streams.js';
import { WatchOrder, WatchOrderHandler } from './watch-order.js';

/** One order live over server-sent events. */
@Controller('v1/orders')
export class LiveHttpController {
  constructor(
    private readonly watchOrder: WatchOrderHandler,
    private readonly streams: Streams,
  ) {}

  @Get(':id/live')
  @Replies({ type: 'text/event-stream' })
  async watch(
    @Input(WatchOrder) asked: Asked<WatchOrder>,
    @Req() request: Request,
    @Res() response: Response,
  ): Promise<void> {
    const { isOver } = await this.watchOrder.judge(asked);
    // WHATWG HTML, 9.2.3: this, and nothing else, keeps an EventSource from coming back.
    if (isOver) return void response.status(204).end();
    if (request.method === 'HEAD') return void response.type('text/event-stream').end();
    const permit = { authorization: credentialOf(request), scope: asked.operation.scope };
    const reader = this.streams.take(new EventStream(response), permit);
    await this.watchOrder.begin(asked, reader).catch(() => reader.cut());
  }
}
