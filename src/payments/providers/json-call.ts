import * as http from 'node:http';
import * as https from 'node:https';

const MAX_BODY_CHARACTERS = 64 * 1024;

// An idle connection is ours to close, before a server or proxy closes it under a request on its way.
const KEPT = { keepAlive: true, timeout: 4_000 };

/** Asks one JSON server over connections kept open. */
export class JsonCall {
  private readonly transport: typeof http | typeof https;
  private readonly agent: http.Agent;

  /** `url`: http or https, with or without a path in front. */
  constructor(private readonly url: string) {
    this.transport = url.startsWith('https:') ? https : http;
    this.agent = new this.transport.Agent(KEPT);
  }

  /**
   * Answers the status and the parsed body, whatever the status; throws for everything else. `timeoutMs` covers all of
   * it, the body too. Redirects are not followed: that could repeat a booking at a stranger.
   *
   * node:http and no fetch, measured on Node 20 with 64 calls at once: 60 µs of CPU a call instead of 340, where a whole
   * order has about 420. A timer and no AbortSignal.timeout: that alone is 50 µs.
   */
  ask(
    method: 'GET' | 'POST',
    path: string,
    timeoutMs: number,
    sent?: { headers: http.OutgoingHttpHeaders; body: object },
  ): Promise<{ status: number; body: unknown }> {
    return new Promise((resolve, reject) => {
      const body = sent && Buffer.from(JSON.stringify(sent.body));
      const headers = body && { ...sent.headers, 'content-type': 'application/json', 'content-length': body.length };
      const request = this.transport.request(this.url + path, { method, agent: this.agent, headers });
      const timer = setTimeout(() => request.destroy(new Error('timeout')), timeoutMs);
      const settle = (error?: Error | null) => {
        clearTimeout(timer);
        if (error) reject(error);
      };
      request.on('error', settle).on('response', (response) => {
        let text = '';
        response.setEncoding('utf8').on('error', settle);
        response.on('data', (part: string) => {
          if ((text += part).length > MAX_BODY_CHARACTERS) request.destroy(new Error('the answer is too large'));
        });
        response.on('end', () => {
          settle();
          try {
            resolve({ status: response.statusCode!, body: JSON.parse(text) });
          } catch {
            reject(new Error(`status ${response.statusCode} without JSON`));
          }
        });
      });
      request.end(body);
    });
  }
}
