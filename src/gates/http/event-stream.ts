import type { Response } from 'express';
import type { Failure } from '../../failure.js';
import type { Channel } from '../live/channel.js';
import type { Frame } from '../live/frame.js';

const RETRY_MS = 2_000;

/** Server-sent events (WHATWG HTML, 9.2) over one response. */
export class EventStream implements Channel {
  constructor(private readonly response: Response) {
    response.writeHead(200, {
      'Content-Type': 'text/event-stream; charset=utf-8',
      'Cache-Control': 'no-store, no-transform',
      // nginx keeps answers back otherwise.
      'X-Accel-Buffering': 'no',
    });
    response.write(`retry: ${RETRY_MS}\n\n`);
  }

  encode(frame: Frame): Buffer {
    return frame.event;
  }

  send(bytes: Buffer, sent: () => void): void {
    this.response.write(bytes, () => sent());
  }

  /** A comment: it has no id, so it does not move the cursor. */
  beat(): void {
    this.response.write(':\n\n');
  }

  end(why?: Failure): void {
    // Spread over three seconds, so that not everybody comes back at once.
    if (why?.kind === 'unavailable') this.response.write(`retry: ${500 + Math.floor(Math.random() * 2_500)}\n\n`);
    this.response.end();
  }

  destroy(): void {
    if (!this.response.writableFinished) this.response.destroy();
  }

  onGone(gone: () => void): void {
    this.response.on('close', gone).on('error', gone);
  }
}
