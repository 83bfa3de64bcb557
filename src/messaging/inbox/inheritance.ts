import { Logger } from '@nestjs/common';
import type { Tx } from '../../database/transaction.js';
import { about } from '../about.js';
import { isUntiring } from '../contract.js';
import type { Handled } from './handled.js';
import type { Stored, StoredMessage } from './stored.js';
import { isSpent, LEFT_UNENDED } from './verdict.js';

/**
 * What was stored before this process began may be what ended the one before. So its attempts are counted before they are
 * made; from the second on they are made alone, of the least tried message first. A message that ends its process each
 * time is set aside after six attempts, and its neighbours go on after two. What is younger costs nothing.
 */
export class Inheritance {
  private readonly logger = new Logger('Lanes');
  private begun = new Set<string>();

  constructor(private readonly of: { stored: Stored; handled: Handled }) {}

  /** What of these messages to handle in this transaction: none when it counts some, which come again in the next. */
  next(tx: Tx, messages: StoredMessage[]): StoredMessage[] {
    const begun = messages.filter(({ seq }) => this.begun.has(seq));
    this.begun.clear();
    if (begun.length > 0) return begun.map((message) => ({ ...message, begun: true }));
    const candidates = chosen(messages.filter(({ inherited }) => inherited));
    if (candidates.length === 0) return messages;
    const [first] = candidates;
    if (isSpent(first!.attempts) && !isUntiring(first!.type)) this.setAside(tx, first!);
    else {
      this.of.stored.begin(tx, candidates);
      tx.afterCommit(() => (this.begun = new Set(candidates.map(({ seq }) => seq))));
    }
    return [];
  }

  private setAside(tx: Tx, message: StoredMessage): void {
    this.of.stored.failed(tx, message, LEFT_UNENDED);
    this.of.handled.fail(tx, 'parked');
    this.logger.error(
      `parked ${message.type} of ${message.key} (msg_${message.id}): ${LEFT_UNENDED.reason}`,
      about(message),
    );
  }
}

/** All that were never tried and have nothing tried before them; when there are none, the one that was tried the least. */
function chosen(inherited: StoredMessage[]): StoredMessage[] {
  const tried = new Map<string, StoredMessage>();
  const fresh = inherited.filter((message) => {
    if (message.attempts > 0 && !tried.has(message.key)) tried.set(message.key, message);
    return !tried.has(message.key);
  });
  if (fresh.length > 0) return fresh;
  return [...tried.values()].sort((a, b) => a.attempts - b.attempts).slice(0, 1);
}
