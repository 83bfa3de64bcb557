import { setTimeout as sleep } from 'node:timers/promises';
import { LiveClient, type LiveAt, type LiveKind } from '../../support/live-client.js';
import type { Json } from '../../support/shop.js';
import type { Chance } from './chance.js';

/** A reader that keeps losing its connection and goes on elsewhere, over another channel, with its last cursor. */
export class Roamer {
  readonly updates: Json[] = [];
  disconnects = 0;
  private client?: LiveClient;
  private left = false;

  constructor(
    private readonly chance: Chance,
    private readonly places: () => LiveAt[],
    private readonly kinds: LiveKind[],
    private readonly open: (kind: LiveKind, at: LiveAt, cursor?: string) => LiveClient,
  ) {}

  /** The sequences of each order, in the order in which they were told. */
  get told(): Map<string, number[]> {
    const told = new Map<string, number[]>();
    for (const { orderId, sequence } of [...this.updates, ...(this.client?.updates ?? [])] as Json[])
      told.set(orderId as string, [...(told.get(orderId as string) ?? []), Number(sequence)]);
    return told;
  }

  get cursor(): string | undefined {
    return this.client?.cursor ?? (this.updates.at(-1)?.cursor as string | undefined);
  }

  /** Roams until it is told to stay; then it keeps its last connection. */
  async roam(meanMs: number, stay: () => boolean): Promise<void> {
    while (!this.left) {
      const { cursor } = this;
      this.client = this.open(this.chance.one(this.kinds), this.chance.one(this.places()), cursor);
      const until = Date.now() + this.chance.around(meanMs);
      while (!this.left && this.client.ended === undefined && (stay() || Date.now() < until)) await sleep(10);
      this.client.close();
      this.updates.push(...this.client.updates);
      this.client = undefined;
      this.disconnects++;
      await sleep(this.chance.below(100));
    }
  }

  leave(): void {
    this.left = true;
  }
}
