import { type ServerDuplexStream, type ServerWritableStream, Metadata } from '@grpc/grpc-js';
import { constants, type ServerHttp2Stream } from 'node:http2';
import type { Failure } from '../../failure.js';
import type { Channel } from '../live/channel.js';
import type { Frame } from '../live/frame.js';
import { grpcStatus } from './status.js';

type Call = ServerWritableStream<unknown, unknown> | ServerDuplexStream<unknown, unknown>;

/** The sending side of a gRPC stream. Written to directly: Nest's Observable streams buffer without bound. */
export class GrpcStream implements Channel {
  constructor(private readonly call: Call) {
    // At once: a client that waits for the first update knows that it is heard.
    call.sendMetadata(new Metadata());
  }

  encode(frame: Frame): Buffer {
    return frame.protobuf;
  }

  send(bytes: Buffer, sent: () => void): void {
    this.call.write(bytes, () => sent());
  }

  /** HTTP/2 has its own (`grpc.keepalive_time_ms`). */
  beat(): void {}

  end(why?: Failure): void {
    if (why) this.call.emit('error', grpcStatus(why));
    else this.call.end();
  }

  /** grpc-js has no way to drop a stream whose peer does not read: its status would wait behind the rest. */
  destroy(): void {
    const stream = (this.call as unknown as { call?: { stream?: ServerHttp2Stream } }).call?.stream;
    if (!stream || stream.closed) return;
    stream.close(constants.NGHTTP2_ENHANCE_YOUR_CALM);
    stream.destroy();
  }

  onGone(gone: () => void): void {
    this.call.on('cancelled', gone);
  }
}
