import { Injectable } from '@nestjs/common';
import { MoreThan } from 'typeorm';
import { Database } from '../database/database.js';
import type { Tx } from '../database/transaction.js';
import { Failure } from '../failure.js';
import type { Asked, Outcome, UseCase } from '../gates/asked.js';
import { Optional, PageSize, PageToken } from '../gates/fields.js';
import { Operation } from '../gates/operation.js';
import { decodePage, encodePage } from '../gates/page.js';
import type { Item } from './index.js';
import { ItemSchema, toItem } from './item.schema.js';

/** Asks for all items, in the order of their SKUs. */
@Operation({ name: 'inventory.list-items', scope: 'inventory:read', kind: 'query' })
export class ListItems {
  @Optional() @PageSize() pageSize?: number;
  @Optional() @PageToken() pageToken?: string;
}

export interface ItemPage {
  items: Item[];
  /** Not there on the last page. */
  nextPageToken?: string;
}

const PAGE = 50;

/** Lists items. A page that several calls of a set want is read once, and pages are read one after the other. */
@Injectable()
export class ListItemsHandler implements UseCase<ListItems, ItemPage> {
  constructor(private readonly database: Database) {}

  async handle(_tx: Tx, asked: Asked<ListItems>[]): Promise<Outcome<ItemPage>[]> {
    const pages = new Map<string, Outcome<ItemPage>>();
    const outcomes: Outcome<ItemPage>[] = [];
    for (const { command } of asked) {
      const wanted = `${command.pageSize ?? PAGE} ${command.pageToken ?? ''}`;
      const page = pages.get(wanted) ?? (await this.page(command));
      pages.set(wanted, page);
      outcomes.push(page);
    }
    return outcomes;
  }

  private async page(query: ListItems): Promise<Outcome<ItemPage>> {
    const size = query.pageSize ?? PAGE;
    const after = positionOf(query);
    if (after instanceof Failure) return after;
    const rows = await this.database.dataSource
      .getRepository(ItemSchema)
      .find({ where: { sku: MoreThan(after) }, order: { sku: 'ASC' }, take: size + 1 });
    const items = rows.slice(0, size).map(toItem);
    return rows.length > size ? { items, nextPageToken: encodePage(query, [items.at(-1)!.sku]) } : { items };
  }
}

/** The SKU after which the page begins; no SKU is empty, so '' is before them all. */
function positionOf(query: ListItems): string | Failure {
  try {
    return decodePage(query, query.pageToken)?.[0] ?? '';
  } catch (error) {
    if (error instanceof Failure) return error;
    throw error;
  }
}
