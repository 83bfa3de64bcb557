import { Histogram, type Registry } from 'prom-client';
import { Channel, type Delivery, type Letter } from './channel.js';

/** Any channel, with the time and outcome of each try told to the registry. */
export class MeasuredChannel extends Channel {
  private readonly seconds: Histogram<'outcome'>;

  constructor(
    private readonly channel: Channel,
    registry: Registry,
  ) {
    super();
    this.seconds = new Histogram({
      name: 'sanmon_mail_duration_seconds',
      help: 'Tries to hand a mail to the mail server, or to the preview without one.',
      labelNames: ['outcome'],
      buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15],
      registers: [registry],
    });
  }

  async send(letter: Letter): Promise<Delivery> {
    const since = performance.now();
    const delivery = await this.channel.send(letter);
    const outcome = 'taken' in delivery ? 'taken' : 'refused' in delivery ? 'refused' : 'trouble';
    this.seconds.observe({ outcome }, (performance.now() - since) / 1_000);
    return delivery;
  }

  close(): void {
    this.channel.close();
  }
}
