import { Histogram, type Registry } from 'prom-client';
import type { Answer, AuthoriseCall, CaptureCall, Found, PaymentProvider, RefundCall, VoidCall } from './provider.js';

/** Any provider, with the time and outcome of each call told to the registry. */
export class MeasuredProvider implements PaymentProvider {
  readonly name: string;
  private readonly seconds: Histogram<'provider' | 'call' | 'outcome'>;

  constructor(
    private readonly provider: PaymentProvider,
    registry: Registry,
  ) {
    this.name = provider.name;
    this.seconds = new Histogram({
      name: 'sanmon_provider_call_duration_seconds',
      help: 'Calls to the payment provider; unknown = no answer, or one that proves nothing.',
      labelNames: ['provider', 'call', 'outcome'],
      buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
      registers: [registry],
    });
  }

  authorise(call: AuthoriseCall, timeoutMs: number): Promise<Answer> {
    return this.measured('authorise', this.provider.authorise(call, timeoutMs), outcomeOf);
  }

  capture(call: CaptureCall, timeoutMs: number): Promise<Answer> {
    return this.measured('capture', this.provider.capture(call, timeoutMs), outcomeOf);
  }

  void(call: VoidCall, timeoutMs: number): Promise<Answer> {
    return this.measured('void', this.provider.void(call, timeoutMs), outcomeOf);
  }

  refund(call: RefundCall, timeoutMs: number): Promise<Answer> {
    return this.measured('refund', this.provider.refund(call, timeoutMs), outcomeOf);
  }

  find(key: string, timeoutMs: number): Promise<Found> {
    const found = ({ booked }: Found) => (booked === 'unknown' ? 'unknown' : booked ? 'booked' : 'absent');
    return this.measured('find', this.provider.find(key, timeoutMs), found);
  }

  private async measured<T>(call: string, answered: Promise<T>, outcomeOf: (answer: T) => string): Promise<T> {
    const since = performance.now();
    const answer = await answered;
    const labels = { provider: this.name, call, outcome: outcomeOf(answer) };
    this.seconds.observe(labels, (performance.now() - since) / 1_000);
    return answer;
  }
}

const outcomeOf = ({ outcome }: Answer): string => outcome;
