import { Logger } from '@nestjs/common';

/** What is wrong on the broker, place by place: each trouble is said once, until it changes or is over. */
export class Troubles {
  private readonly logger = new Logger('Broker');
  private readonly known = new Map<string, string>();

  tell(place: string, sentence: string): void {
    if (sentence === this.known.get(place)) return;
    this.known.set(place, sentence);
    this.logger.warn(`${place}: ${sentence}`);
  }

  /** For what cannot be undone and somebody must know of. */
  alarm(place: string, sentence: string): void {
    this.logger.error(`${place}: ${sentence}`);
  }

  over(place: string): void {
    if (this.known.delete(place)) this.logger.log(`${place}: works again`);
  }

  /** The sentence about one place, empty when all is well there. */
  of(place: string): string {
    return this.known.get(place) ?? '';
  }
}
