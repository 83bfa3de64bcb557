import type { Answer, AuthoriseCall, CaptureCall, Found, PaymentProvider, RefundCall, VoidCall } from './provider.js';
import { JsonCall } from './json-call.js';
import { settledIn } from './sandbox.answers.js';

/** Statuses whose body may prove something: booked, refused, this key belongs to another call. */
const PROVING = [200, 402, 422];

/** The sandbox provider over HTTP/JSON. What is no well-formed answer to this very key is `unknown`. */
export class SandboxClient implements PaymentProvider {
  readonly name = 'sandbox';
  private readonly server: JsonCall;

  /** `url`: where the sandbox listens, e.g. `http://127.0.0.1:4242`. */
  constructor(url: string) {
    this.server = new JsonCall(url.replace(/\/+$/, ''));
  }

  authorise({ key, ...body }: AuthoriseCall, timeoutMs: number): Promise<Answer> {
    return this.book('/authorisations', key, body, timeoutMs);
  }

  capture({ key, reference, amount }: CaptureCall, timeoutMs: number): Promise<Answer> {
    return this.book(`/authorisations/${encodeURIComponent(reference)}/capture`, key, { amount }, timeoutMs);
  }

  void({ key, reference }: VoidCall, timeoutMs: number): Promise<Answer> {
    return this.book(`/authorisations/${encodeURIComponent(reference)}/void`, key, {}, timeoutMs);
  }

  refund({ key, reference, amount }: RefundCall, timeoutMs: number): Promise<Answer> {
    return this.book(`/authorisations/${encodeURIComponent(reference)}/refunds`, key, { amount }, timeoutMs);
  }

  async find(key: string, timeoutMs: number): Promise<Found> {
    try {
      const { status, body } = await this.server.ask('GET', `/operations/${encodeURIComponent(key)}`, timeoutMs);
      const answer = status === 200 ? settledIn(body, key) : undefined;
      if (answer) return { booked: true, answer };
      // A bare 404 may come from anything between us and the sandbox; only its own words prove an absence.
      if (status === 404 && isAbsence(body, key)) return { booked: false };
      return { booked: 'unknown', why: `status ${status}` };
    } catch (error) {
      return { booked: 'unknown', why: reasonOf(error as Error) };
    }
  }

  private async book(path: string, key: string, body: object, timeoutMs: number): Promise<Answer> {
    try {
      const sent = { headers: { 'idempotency-key': key }, body };
      const answered = await this.server.ask('POST', path, timeoutMs, sent);
      const answer = PROVING.includes(answered.status) ? settledIn(answered.body, key) : undefined;
      return answer ?? { outcome: 'unknown', why: `status ${answered.status}` };
    } catch (error) {
      return { outcome: 'unknown', why: reasonOf(error as Error) };
    }
  }
}

function isAbsence(body: unknown, key: string): boolean {
  const said = body as { key?: unknown; booked?: unknown } | null;
  return said?.key === key && said.booked === false;
}

const reasonOf = ({ code, message }: Error & { code?: string }): string => code ?? message;
