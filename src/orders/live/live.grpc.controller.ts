import type { ServerDuplexStream, ServerWritableStream } from '@grpc/grpc-js';
import { Controller } from '@nestjs/common';
import { GrpcMethod, GrpcStreamCall } from '@nestjs/microservices';
import { EMPTY, Observable } from 'rxjs';
import type { Asked } from '../../gates/asked.js';
import { asFailure } from '../../gates/failures.js';
import { grpcCall, GrpcCall } from '../../gates/grpc/call.js';
import { GrpcStream } from '../../gates/grpc/stream.js';
import { Input } from '../../gates/input.decorator.js';
import { Streams } from '../../gates/live/streams.js';
import { TrackOrdersStream } from './track-orders.grpc.js';
import { WatchOrder, WatchOrderHandler } from './watch-order.js';

/** Orders live over gRPC. */
@Controller()
export class LiveGrpcController {
  constructor(
    private readonly watchOrder: WatchOrderHandler,
    private readonly trackOrders: TrackOrdersStream,
    private readonly streams: Streams,
  ) {}

  @GrpcMethod('OrdersService', 'WatchOrder')
  async watch(@Input(WatchOrder) asked: Asked<WatchOrder>, @GrpcCall() call: ServerWritableStream<unknown, unknown>) {
    const { isOver } = await this.watchOrder.judge(asked);
    if (isOver) return EMPTY;
    const { authorization } = grpcCall({}, call.metadata);
    const reader = this.streams.take(new GrpcStream(call), { authorization, scope: asked.operation.scope });
    this.watchOrder.begin(asked, reader).catch((error: unknown) => reader.cut(asFailure(error)));
    // Nothing is sent this way, it buffers without bound; Nest only learns when the stream is over.
    return new Observable<never>((nest) => reader.onOver(() => nest.complete()));
  }

  @GrpcStreamCall('OrdersService', 'TrackOrders')
  track(call: ServerDuplexStream<unknown, unknown>): Promise<void> {
    return this.trackOrders.serve(call);
  }
}
