import { Injectable } from '@nestjs/common';
import type { Asked } from '../gates/asked.js';
import { Id } from '../gates/fields.js';
import { Operation } from '../gates/operation.js';
import { isId, uuidOf } from '../id.js';
import { operationOf } from './bulk-releases.js';
import { Desks } from './desks.js';
import type { ReleaseOperation } from './index.js';
import { operationNotFound } from './ops.failures.js';

/** Asks how far a release of many messages is. */
@Operation({ name: 'ops.get-operation', scope: 'ops', kind: 'query', refuses: ['operation-not-found'] })
export class GetOperation {
  @Id() id!: string;
}

/** Adds up what each module of this process has done of it. */
@Injectable()
export class GetOperationHandler {
  constructor(private readonly desks: Desks) {}

  async answer({ command: { id } }: Asked<GetOperation>): Promise<ReleaseOperation> {
    if (!isId('opn', id)) throw operationNotFound(id);
    const found = await Promise.all(this.desks.all().map((desk) => desk.releases.find(uuidOf(id))));
    const rows = found.filter((row) => row !== undefined);
    if (rows.length === 0) throw operationNotFound(id);
    return operationOf(rows);
  }
}
