import type { Failure } from '../../failure.js';
import type { Frame } from './frame.js';

/** One way to a reader: an event stream, a WebSocket or a gRPC stream. */
export interface Channel {
  /** A frame as it goes over this wire. */
  encode(frame: Frame): Buffer;
  /** Sends it; `sent` is called when the bytes have left this process, in the order of sending. */
  send(bytes: Buffer, sent: () => void): void;
  /** Says that nothing is wrong while there is nothing to say. */
  beat(): void;
  /** Ends in order: because everything was said, or for this reason. */
  end(why?: Failure): void;
  /** Ends at once, whatever is still unsent. */
  destroy(): void;
  /** Tells when the other side, or the way to it, is gone. */
  onGone(gone: () => void): void;
}
