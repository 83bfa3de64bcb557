import type { Tx } from '../database/transaction.js';
import type { Asked, UseCase } from '../gates/asked.js';
import { Nested, OneOf, Optional, Text } from '../gates/fields.js';
import { Operation } from '../gates/operation.js';
import { MODULES } from '../config/settings.js';
import { type BulkReleases, operationOf } from './bulk-releases.js';
import type { ReleaseOperation } from './index.js';
import type { Bench } from './repair.js';

/** Which messages are to be released; what is left out does not narrow. */
export class MessageFilter {
  @Optional() @OneOf(['PARKED', 'RETRYING']) state?: 'PARKED' | 'RETRYING';
  @Optional() @OneOf(MODULES) module?: string;
  @Optional() @Text(200) type?: string;
  @Optional() @Text(255) key?: string;
  @Optional() @Text(100) code?: string;
}

/** Releases all messages that match: an operation of its own, that survives a restart. */
@Operation({ name: 'ops.release-messages', scope: 'ops', kind: 'command', refuses: ['elsewhere'] })
export class ReleaseMessages {
  @Nested(() => MessageFilter) filter!: MessageFilter;
}

export interface Begun {
  operation: ReleaseOperation;
}

/** Begins releases in the first module concerned; its loop tells the others, whose databases may be others. */
export class ReleaseMessagesHandler implements UseCase<ReleaseMessages, Begun> {
  constructor(
    private readonly bench: Bench & { releases: BulkReleases },
    private readonly modules: string[],
  ) {}

  async handle(tx: Tx, asked: Asked<ReleaseMessages>[]): Promise<Begun[]> {
    const begun: Begun[] = [];
    for (const { id, by, command } of asked) {
      const tell = command.filter.module ? [] : this.modules.filter((m) => m !== this.bench.module);
      const release = { id, by: by.name, scopes: [...by.scopes], filter: JSON.stringify(command.filter) };
      await this.bench.releases.begin(tx, release, tell);
      begun.push({ operation: operationOf([(await this.bench.releases.read(tx, id))!]) });
    }
    const acts = asked.map(({ id, by, command }) => ({
      by: by.name,
      act: 'RELEASE_MANY' as const,
      operation: id,
      reason: JSON.stringify(command.filter),
    }));
    await this.bench.acts.record(tx, acts);
    return begun;
  }
}
