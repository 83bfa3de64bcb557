import { Logger } from '@nestjs/common';
import { Client } from 'pg';
import { uuidv7 } from '../uuid.js';

const CHANNEL = 'sanmon';
/** At most one NOTIFY of a kind in this time: each takes a lock of the whole server for a moment. */
const COALESCE_MS = 50;
const RETRY_MS = 1_000;
/** Every process says something each second; who was not heard for this long is taken to be gone. */
export const GONE_MS = 5_000;

/**
 * Hints between processes that share a database: "there is work in this inbox". Coalesced and never trusted: whoever
 * misses one finds the work with its poll.
 */
export class Notices {
  private readonly logger = new Logger('Notices');
  /** The name of this process towards the others. */
  readonly own = uuidv7();
  private readonly bells = new Map<string, (from?: string) => void>();
  private readonly due = new Set<string>();
  private heardAt = -Infinity;
  private client?: Client;
  private timer?: NodeJS.Timeout;
  private retry?: NodeJS.Timeout;
  private closed = false;

  constructor(private readonly url: string) {}

  /** Rings when another process says something of this kind, and who; without a name when something may have been missed. */
  on(topic: string, ring: (from?: string) => void): void {
    this.bells.set(topic, ring);
  }

  /** Tells the other processes, if any was heard lately: alone, one transaction in ten would be for nobody. */
  hint(topic: string): void {
    if (performance.now() - this.heardAt < GONE_MS) this.tell(topic);
  }

  /** Tells whoever there is, soon. */
  tell(topic: string): void {
    this.due.add(topic);
    this.timer ??= setTimeout(() => void this.send(), COALESCE_MS);
  }

  open(): void {
    void this.listen();
  }

  async close(): Promise<void> {
    this.closed = true;
    clearTimeout(this.timer);
    clearTimeout(this.retry);
    await this.client?.end().catch(() => undefined);
  }

  private async listen(): Promise<void> {
    const client = new Client({ connectionString: this.url, keepAlive: true, application_name: 'sanmon notices' });
    client.on('notification', ({ payload = '' }) => {
      const [from, topic] = payload.split(' ');
      if (from === this.own) return;
      this.heardAt = performance.now();
      this.bells.get(topic ?? '')?.(from);
    });
    client.on('error', (error) => this.logger.warn(`listens no more, tries again: ${error.message}`));
    client.on('end', () => this.again());
    try {
      await client.connect();
      await client.query(`LISTEN ${CHANNEL}`);
      if (this.closed) return void (await client.end());
      this.client = client;
      // What was said while nobody listened was missed.
      for (const ring of this.bells.values()) ring();
    } catch {
      await client.end().catch(() => undefined);
    }
  }

  private again(): void {
    this.client = undefined;
    if (!this.closed) this.retry = setTimeout(() => void this.listen(), RETRY_MS);
  }

  private async send(): Promise<void> {
    this.timer = undefined;
    const topics = [...this.due].map((topic) => `${this.own} ${topic}`);
    this.due.clear();
    await this.client
      ?.query('SELECT pg_notify($1, payload) FROM unnest($2::text[]) payload', [CHANNEL, topics])
      .catch(() => undefined);
  }
}
