import { type Database, isBusy, isConnectionError } from '../../database/database.js';
import type { Tx } from '../../database/transaction.js';
import { Logger } from '@nestjs/common';
import { Failure, unavailable } from '../../failure.js';
import { about } from '../about.js';
import type { Birth } from '../birth.js';
import { isUntiring } from '../contract.js';
import type { Handled } from './handled.js';
import type { Handlers } from '../handlers.js';
import { Inheritance } from './inheritance.js';
import type { Progress } from '../loop.js';
import type { Peers } from '../peers.js';
import { Attempt, nameOfError, spanTime } from '../spans.js';
import type { Stored, StoredMessage } from './stored.js';
import { judge } from './verdict.js';
import { runWave, waves } from './waves.js';

const SET = 500;
/** What is tried for ever is an alarm from then on. */
const ALARM_MS = 5 * 60_000;

/** A lock that somebody else holds is no fault of the message: it waits, and is never parked for it. */
const BUSY = unavailable('database-busy', 'somebody else holds a lock');

/**
 * Works through what intake had to store. A lane belongs to one transaction at a time, whichever replica it is in, so a
 * key is handled in order; a message that fails holds back its own key and nothing else.
 */
export class Lanes {
  private readonly logger = new Logger('Lanes');
  private readonly inheritance: Inheritance;

  constructor(
    private readonly of: {
      module: string;
      database: Database;
      birth: Birth;
      stored: Stored;
      peers: Peers;
      handled: Handled;
    },
    private readonly handlers: Handlers,
  ) {
    this.inheritance = new Inheritance(of);
  }

  async step(): Promise<Progress> {
    const { database, stored, peers } = this.of;
    const began = await this.of.birth.since();
    return database.transaction(async (tx) => {
      const { lanes, seen, others } = await stored.lockReady(tx, peers.share());
      if (lanes.length === 0) return seen > 0 ? 'locked' : others > 0 ? 'others' : 'idle';
      const { messages, blocked } = await stored.read(tx, lanes, SET, began);
      const set = this.inheritance.next(tx, messages);
      const stuck = new Set<string>();
      for (const wave of waves(set)) {
        await this.run(
          tx,
          wave.filter((m) => !stuck.has(m.key)),
          stuck,
        );
      }
      return messages.length + blocked > 0 ? 'more' : 'idle';
    });
  }

  /** Handles a wave under a savepoint; when it throws, each item under its own. The lane's lock is kept throughout. */
  private async run(tx: Tx, wave: StoredMessage[], stuck: Set<string>): Promise<void> {
    if (wave.length === 0) return;
    const began = spanTime();
    try {
      const refused = await tx.savepoint(() => runWave(this.handlers, this.of.module, wave, { tx }));
      this.settle(tx, wave, refused, stuck);
    } catch (error) {
      if (isConnectionError(error)) throw error;
      if (wave.length > 1) for (const message of wave) await this.run(tx, [message], stuck);
      else {
        this.tellThrown(tx, wave[0]!, error, began);
        this.fail(tx, wave[0]!, error, stuck);
      }
    }
  }

  /** Here, because what an attempt that threw would have told itself is undone with it. */
  private tellThrown(tx: Tx, message: StoredMessage, error: unknown, began: number): void {
    const { tell } = this.handlers;
    if (tell) new Attempt([message], this.of.module, tell, began).ended(tx, [nameOfError(refusalIn(error) ?? error)]);
  }

  private settle(
    tx: Tx,
    wave: StoredMessage[],
    refused: { message: StoredMessage; failure: Failure }[],
    stuck: Set<string>,
  ): void {
    for (const { message, failure } of refused) this.fail(tx, message, failure, stuck);
    const done = wave.filter((m) => !stuck.has(m.key));
    this.of.handled.count(tx, 'lanes', done.length);
    this.of.stored.done(tx, done);
  }

  private fail(tx: Tx, message: StoredMessage, error: unknown, stuck: Set<string>): void {
    const refusal = refusalIn(error);
    const untiring = isUntiring(message.type);
    const verdict = judge(error, message.attempts - Number(message.begun ?? false), refusal, untiring);
    if (verdict.state === 'parked' || (untiring && message.ageMs >= ALARM_MS))
      this.logger.error(`${verdict.state} ${said(message)}: ${verdict.reason}`, about(message));
    this.of.stored.failed(tx, message, verdict);
    this.of.handled.fail(tx, verdict.state);
    stuck.add(message.key);
  }
}

const refusalIn = (error: unknown): Failure | undefined =>
  error instanceof Failure ? error : isBusy(error) ? BUSY : undefined;

const said = ({ type, key, id }: StoredMessage): string => `${type} of ${key} (msg_${id})`;
