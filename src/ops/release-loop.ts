import type { Tx } from '../database/transaction.js';
import { Logger } from '@nestjs/common';
import { Failure } from '../failure.js';
import { asFailure } from '../gates/failures.js';
import type { Progress } from '../messaging/loop.js';
import { type BulkRelease, CHUNK, PAUSE_MS } from './bulk-releases.js';
import type { Desk } from './desk.js';
import { released } from './restarts.js';
import type { Restart } from './stored-messages.js';

/** Works off the releases of many messages in one module, chunk by chunk: each chunk and its progress are one transaction. */
export class ReleaseLoop {
  private readonly logger = new Logger('Repair');

  constructor(
    private readonly desk: Desk,
    private readonly desks: readonly Desk[],
  ) {}

  /** Starts and stops with the other loops of the module. */
  register(): void {
    const loop = this.desk.traffic.loop('releases', async () => {
      const progress = await this.step();
      // The poll alone would come up to a second late.
      if (progress === 'more') setTimeout(() => loop.bell.ring(), PAUSE_MS).unref();
      return 'idle';
    });
  }

  private async step(): Promise<Progress> {
    await this.tell();
    return this.desk.traffic.database.transaction((tx) => this.chunk(tx));
  }

  /** Makes releases known to the other modules, as far as they live here: a replica that has the rest tells the rest. */
  private async tell(): Promise<void> {
    for (const release of await this.desk.releases.untold()) {
      const others = this.desks.filter(({ module }) => release.tell.includes(module));
      for (const { traffic, releases } of others)
        await traffic.database.transaction((tx) => releases.begin(tx, release, []));
      await this.desk.releases.told(
        release.id,
        others.map(({ module }) => module),
      );
    }
  }

  private async chunk(tx: Tx): Promise<Progress> {
    const next = await this.desk.releases.next(tx);
    if (!next) return 'idle';
    const { release, ids } = next;
    const rows = await this.desk.messages.hold(tx, ids);
    const by = { name: release.by, scopes: new Set(release.scopes) };
    const judged = [...rows.values()].map((row): Restart | Failure => {
      try {
        return released(row, by);
      } catch (error) {
        return asFailure(error);
      }
    });
    const restarts = judged.filter((one): one is Restart => !(one instanceof Failure));
    await this.desk.messages.restart(tx, restarts);
    await this.desk.acts.record(
      tx,
      restarts.map(({ row }) => ({ by: release.by, act: 'RELEASE', row, operation: release.id })),
    );
    await this.desk.releases.count(tx, release.id, restarts.length, judged.length - restarts.length);
    this.report(release, restarts.length, ids.length);
    return ids.length === CHUNK ? 'more' : 'idle';
  }

  private report({ id, by }: BulkRelease, count: number, of: number): void {
    this.logger.log(`released ${count} of ${of} messages of ${this.desk.module} (opn_${id}, asked for by ${by})`);
  }
}
