import { Injectable, Logger } from '@nestjs/common';

/** `degraded`: orders can be accepted, but something behind them waits. */
export type Condition = 'ok' | 'degraded' | 'down';

/** What `/readyz` says. */
export interface HealthReport {
  status: Condition;
  checks: Record<string, Condition>;
}

type Check = () => Condition | Promise<Condition>;

/** A check that says nothing for this long is down: probes of orchestrators give up after a second or so. */
const PATIENCE_MS = 1_000;

/** Whether this process can do its work. Whoever depends on something registers a check of it. */
@Injectable()
export class Health {
  private readonly logger = new Logger(Health.name);
  private readonly checks = new Map<string, Check>();
  /** Set while this process is opening: it takes calls, but not all of its gates are open. */
  starting = false;
  private leaving = false;

  /** Adds a check, or replaces the one of this name. */
  register(name: string, check: Check): void {
    this.checks.set(name, check);
  }

  /** From now on not ready, so that nobody sends anything new while the rest is finished. */
  drain(): void {
    this.leaving = true;
  }

  /** Whether this process is on its way out. */
  get draining(): boolean {
    return this.leaving;
  }

  /** All checks at once; the worst decides. */
  async report(): Promise<HealthReport> {
    const found = await Promise.all(
      [...this.checks].map(async ([name, check]) => [name, await this.asked(name, check)] as const),
    );
    const checks: HealthReport['checks'] = Object.fromEntries(found);
    if (this.starting) checks['starting'] = 'down';
    if (this.draining) checks['draining'] = 'down';
    const all = Object.values(checks);
    return { status: all.includes('down') ? 'down' : all.includes('degraded') ? 'degraded' : 'ok', checks };
  }

  private async asked(name: string, check: Check): Promise<Condition> {
    let timer: NodeJS.Timeout | undefined;
    const silence = new Promise<Condition>((resolve) => {
      timer = setTimeout(() => resolve('down'), PATIENCE_MS);
    });
    try {
      return await Promise.race([check(), silence]);
    } catch (error) {
      this.logger.warn(`${name}: ${error instanceof Error ? error.message : String(error)}`);
      return 'down';
    } finally {
      clearTimeout(timer);
    }
  }
}
