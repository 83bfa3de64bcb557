import { Injectable } from '@nestjs/common';
import type { Asked } from '../gates/asked.js';
import { Id, OneOf, Optional, PageSize, PageToken } from '../gates/fields.js';
import { Operation } from '../gates/operation.js';
import { decodePage, encodePage } from '../gates/page.js';
import { MODULES } from '../config/settings.js';
import { isId, uuidOf } from '../id.js';
import { Desks } from './desks.js';
import type { Act } from './index.js';
import { invalidPage } from './ops.failures.js';

/** Asks what operators did. */
@Operation({ name: 'ops.list-audit', scope: 'ops', kind: 'query', refuses: ['elsewhere'] })
export class ListAudit {
  @Optional() @OneOf(MODULES) module?: string;
  @Optional() @Id() messageId?: string;
  @Optional() @PageSize() pageSize?: number;
  @Optional() @PageToken() pageToken?: string;
}

export interface AuditPage {
  acts: Act[];
  /** Absent on the last page. */
  nextPageToken?: string;
}

const PAGE = 50;

/** Lists the acts of all modules of this process, newest first: their ids are in the order of time. */
@Injectable()
export class ListAuditHandler {
  constructor(private readonly desks: Desks) {}

  async answer({ command }: Asked<ListAudit>): Promise<AuditPage> {
    const desks = this.desks.of(command.module);
    const { messageId } = command;
    const before = positionOf(command);
    if (messageId !== undefined && !isId('msg', messageId)) return { acts: [] };
    const size = command.pageSize ?? PAGE;
    const about = messageId && uuidOf(messageId);
    const pages = await Promise.all(desks.map((desk) => desk.acts.page(before, about, size + 1)));
    const found = pages.flat().sort((a, b) => (a.id > b.id ? -1 : 1));
    const acts = found.slice(0, size);
    return found.length <= size ? { acts } : { acts, nextPageToken: encodePage(command, [acts.at(-1)!.id]) };
  }
}

function positionOf(command: ListAudit): string | undefined {
  const [id] = decodePage(command, command.pageToken) ?? [];
  if (id !== undefined && !isId('act', id)) throw invalidPage();
  return id && uuidOf(id);
}
