import { Injectable, Logger, type OnModuleDestroy } from '@nestjs/common';

/** One refused authentication or authorisation; nothing in it is secret. */
export interface Refusal {
  /** `nobody` when the credential was wrong. */
  principal: string;
  operation: string;
  gate: string;
  code: string;
  requestId?: string;
}

const WINDOW_MS = 10_000;
const LINES = 100;

/**
 * The log of who was refused what: the first of a kind at once, its like as a number every 10 s. So a flood writes at most
 * some 200 lines in 10 s, whoever sends it and whatever it tries.
 */
@Injectable()
export class Refusals implements OnModuleDestroy {
  private readonly logger = new Logger('Refused');
  private readonly again = new Map<string, number>();
  private unsaid = 0;
  private timer?: NodeJS.Timeout;

  onModuleDestroy(): void {
    clearTimeout(this.timer);
    this.sumUp();
  }

  /** Notes one refusal. */
  note({ principal, operation, gate, code, requestId }: Refusal): void {
    this.timer ??= setTimeout(() => this.sumUp(), WINDOW_MS).unref();
    const kind = `${principal}: ${operation} over ${gate}: ${code}`;
    const times = this.again.get(kind);
    if (times !== undefined) this.again.set(kind, times + 1);
    else if (this.again.size >= LINES) this.unsaid++;
    else {
      this.again.set(kind, 0);
      this.logger.warn(kind, ...(requestId ? [{ requestId }] : []));
    }
  }

  private sumUp(): void {
    for (const [kind, times] of this.again) if (times > 0) this.logger.warn(`${kind}, ${times} times more`);
    if (this.unsaid > 0) this.logger.warn(`${this.unsaid} refusals more, of other kinds`);
    this.again.clear();
    this.unsaid = 0;
    this.timer = undefined;
  }
}
