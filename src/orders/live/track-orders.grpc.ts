import type { ServerDuplexStream } from '@grpc/grpc-js';
import { Injectable } from '@nestjs/common';
import type { Principal } from '../../access/principal.js';
import { Failure, invalid } from '../../failure.js';
import { Admission, Undecodable } from '../../gates/admit.js';
import { asFailure } from '../../gates/failures.js';
import { grpcCall } from '../../gates/grpc/call.js';
import { grpcStatus } from '../../gates/grpc/status.js';
import { GrpcStream } from '../../gates/grpc/stream.js';
import type { Reader } from '../../gates/live/reader.js';
import { Streams } from '../../gates/live/streams.js';
import { TRACK_ORDERS, TrackOrdersHandler } from './track-orders.js';

type Call = ServerDuplexStream<unknown, unknown>;

/** `TrackOrders` over gRPC. Nest hands over the bare call: what `@Input` does elsewhere is done here. */
@Injectable()
export class TrackOrdersStream {
  constructor(
    private readonly tracking: TrackOrdersHandler,
    private readonly admission: Admission,
    private readonly streams: Streams,
  ) {}

  async serve(call: Call): Promise<void> {
    try {
      const asked = grpcCall({}, call.metadata);
      const { authorization } = asked;
      await this.admission.open(TRACK_ORDERS, asked, (by) => {
        this.streams.demandRoom();
        const reader = this.streams.take(new GrpcStream(call), { authorization, scope: TRACK_ORDERS.scope });
        void this.listen(call, by, reader).catch((error: unknown) => reader.end(asFailure(error)));
      });
    } catch (error) {
      call.emit('error', grpcStatus(asFailure(error)));
    }
  }

  /** One request after the other: the next is read when what this one asked for is told. */
  private async listen(call: Call, by: Principal, reader: Reader): Promise<void> {
    const following = this.tracking.begin(reader, by);
    // Not destroyed with its last request: updates go on.
    for await (const request of call.iterator({ destroyOnReturn: false }) as AsyncIterable<unknown>) {
      if (reader.isOver) return;
      if (request instanceof Undecodable) throw invalid([{ field: request.field, message: request.why }], request.code);
      const [unknown] = await this.tracking.handle(following, by, request);
      if (unknown) throw withOrder(unknown.failure, unknown.orderId);
    }
    const endIfDone = (): void => {
      if (following.isDone) reader.end();
    };
    following.onTold = endIfDone;
    endIfDone();
  }
}

const withOrder = (failure: Failure, orderId: string): Failure =>
  new Failure(failure.kind, failure.code, failure.message, { ...failure.details, orderId });
