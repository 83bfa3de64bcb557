import { Logger } from '@nestjs/common';
import { setImmediate as yields, setTimeout as sleep } from 'node:timers/promises';
import { Doorbell } from './doorbell.js';

/**
 * `more`: there is more to do; `locked`: there is work, but another process holds it; `others`: there is work that another
 * process should do; `idle`: nothing to do.
 */
export type Progress = 'more' | 'locked' | 'others' | 'idle';

/** Another process's lanes are looked at again after this; sleeping for the poll instead would add up to a second. */
const LOCKED_MS = 3;
/** Whether others do their work is looked at again after this. */
const OTHERS_MS = 100;
const FAILED_MS = 500;

/** A supervised loop: works while there is work, sleeps until its bell or its poll, and outlives every error. */
export class Loop {
  readonly bell = new Doorbell();
  private readonly logger: Logger;
  private running?: Promise<void>;
  private stopping = false;
  private failing = false;

  constructor(
    name: string,
    readonly step: () => Promise<Progress>,
    private readonly pollMs = 1_000,
  ) {
    this.logger = new Logger(name);
  }

  start(): void {
    this.running ??= this.run();
  }

  /** Lets the running step finish, then ends. */
  async stop(): Promise<void> {
    this.stopping = true;
    this.bell.ring();
    await this.running;
  }

  private async run(): Promise<void> {
    while (!this.stopping) {
      const progress = await this.tried();
      if (progress === 'more') await yields();
      else if (progress === 'locked') await sleep(LOCKED_MS);
      else if (progress === 'failed') await sleep(FAILED_MS);
      else if (progress === 'others' && !this.stopping) await this.bell.wait(OTHERS_MS);
      // The poll is the safety net for a missed ring; the jitter keeps replicas from polling in step.
      else if (!this.stopping) await this.bell.wait(this.pollMs * (0.8 + 0.4 * Math.random()));
    }
  }

  private async tried(): Promise<Progress | 'failed'> {
    try {
      const progress = await this.step();
      if (this.failing) this.logger.log('works again');
      this.failing = false;
      return progress;
    } catch (error) {
      if (!this.failing)
        this.logger.error(`fails and goes on trying: ${(error as Error).message}`, (error as Error).stack);
      this.failing = true;
      return 'failed';
    }
  }
}
