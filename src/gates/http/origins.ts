import type { IncomingHttpHeaders } from 'node:http';
import { Failure } from '../../failure.js';

/** Whose pages may call from browsers: `https://shop.example`, or `*` for every page's. */
export class Origins {
  constructor(private readonly allowed: readonly string[] = []) {}

  /**
   * Refuses a WebSocket of a foreign page (RFC 6455, 10.2): browsers ask nobody before they open one, so CORS cannot. Our
   * own pages may, as they may fetch; who sends no Origin is no browser.
   */
  demand({ origin, host }: IncomingHttpHeaders): void {
    if (origin === undefined || this.allowed.includes('*') || this.allowed.includes(origin)) return;
    if (URL.canParse(origin) && new URL(origin).host === host?.toLowerCase()) return;
    throw new Failure('forbidden', 'origin-not-allowed', 'Pages of this origin may not open a WebSocket here.');
  }
}
