import { type Database, isBusy, isConnectionError } from '../database/database.js';
import type { Tx } from '../database/transaction.js';
import { Logger } from '@nestjs/common';
import { Failure, unavailable } from '../failure.js';
import { isUntiring } from './contract.js';
import type { Handlers } from './handlers.js';
import { type Inbox, judge, type StoredMessage } from './inbox.js';
import type { Progress } from './loop.js';
import { runWave, waves } from './waves.js';

const SET = 500;
/** By then five minutes have gone: five steps of the schedule, then every 30 s. */
const ALARM_ATTEMPTS = 14;

/** A lock that somebody else holds is no fault of the message: it waits, and is never parked for it. */
const BUSY = unavailable('database-busy', 'somebody else holds a lock');

/**
 * Works through what intake had to store. A lane belongs to one transaction at a time, whichever replica it is in, so a
 * key is handled in order; a message that fails holds back its own key and nothing else.
 */
export class Lanes {
  private readonly logger = new Logger('Lanes');

  constructor(
    private readonly module: string,
    private readonly database: Database,
    private readonly inbox: Inbox,
    private readonly handlers: Handlers,
  ) {}

  async step(): Promise<Progress> {
    return this.database.transaction(async (tx) => {
      const { lanes, seen } = await this.inbox.lockReady(tx);
      if (lanes.length === 0) return seen > 0 ? 'locked' : 'idle';
      const messages = await this.inbox.read(tx, lanes, SET);
      const stuck = new Set<string>();
      for (const wave of waves(messages)) {
        await this.run(
          tx,
          wave.filter((m) => !stuck.has(m.key)),
          stuck,
        );
      }
      return messages.length > 0 ? 'more' : 'idle';
    });
  }

  /** Handles a wave under a savepoint; when it throws, each item under its own. The lane's lock is kept throughout. */
  private async run(tx: Tx, wave: StoredMessage[], stuck: Set<string>): Promise<void> {
    if (wave.length === 0) return;
    try {
      const refused = await tx.savepoint(() => runWave(this.handlers, this.module, wave, { tx }));
      await this.settle(tx, wave, refused, stuck);
    } catch (error) {
      if (isConnectionError(error)) throw error;
      if (wave.length > 1) for (const message of wave) await this.run(tx, [message], stuck);
      else await this.fail(tx, wave[0]!, error, stuck);
    }
  }

  private async settle(
    tx: Tx,
    wave: StoredMessage[],
    refused: { message: StoredMessage; failure: Failure }[],
    stuck: Set<string>,
  ): Promise<void> {
    for (const { message, failure } of refused) await this.fail(tx, message, failure, stuck);
    await this.inbox.done(
      tx,
      wave.filter((m) => !stuck.has(m.key)),
    );
  }

  private async fail(tx: Tx, message: StoredMessage, error: unknown, stuck: Set<string>): Promise<void> {
    const refusal = error instanceof Failure ? error : isBusy(error) ? BUSY : undefined;
    const verdict = judge(error, message.attempts, refusal, isUntiring(message.type));
    if (verdict.state === 'parked' || message.attempts >= ALARM_ATTEMPTS)
      this.logger.error(`${verdict.state} ${message.type} of ${message.key} (msg_${message.id}): ${verdict.reason}`);
    await this.inbox.failed(tx, message, verdict, verdict.counts);
    stuck.add(message.key);
  }
}
