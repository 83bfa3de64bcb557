import { Injectable } from '@nestjs/common';
import { Database } from '../database/database.js';
import type { Tx } from '../database/transaction.js';
import { Failure } from '../failure.js';
import type { Asked, Outcome, UseCase } from '../gates/asked.js';
import { Id, Optional, PageSize, PageToken } from '../gates/fields.js';
import { Operation } from '../gates/operation.js';
import { decodePage, encodePage } from '../gates/page.js';
import type { Payment } from './index.js';
import { paymentView } from './payment-answers.js';
import { PaymentSchema } from './payment.schema.js';

const PAGE = 50;

/** Where a page ends: the time is the database's own, so that clocks of several houses cannot hide a payment. */
const PLACE = '(SELECT b.created_at, b.id FROM payments.payments b WHERE b.id = :before)';

/** Asks for payments, newest first. */
@Operation({ name: 'payments.list', scope: 'payments:read', kind: 'query' })
export class ListPayments {
  @Optional() @Id() orderId?: string;
  @Optional() @PageSize() pageSize?: number;
  @Optional() @PageToken() pageToken?: string;
}

/** One page; no token on the last. */
export interface PaymentPage {
  payments: Payment[];
  nextPageToken?: string;
}

/** Answers pages of payments; a customer's own token sees only its own. */
@Injectable()
export class ListPaymentsHandler implements UseCase<ListPayments, PaymentPage> {
  constructor(private readonly database: Database) {}

  async handle(_tx: Tx, asked: Asked<ListPayments>[]): Promise<Outcome<PaymentPage>[]> {
    const pages: Outcome<PaymentPage>[] = [];
    // One after the other: a set of lists must not take the whole pool.
    for (const one of asked) pages.push(await this.page(one));
    return pages;
  }

  private async page({ command, by }: Asked<ListPayments>): Promise<Outcome<PaymentPage>> {
    const before = positionOf(command);
    if (before instanceof Failure) return before;
    const size = command.pageSize ?? PAGE;
    const query = this.database.dataSource.getRepository(PaymentSchema).createQueryBuilder('p');
    // A tombstone has no customer and is nobody's payment.
    if (by.customerId === undefined) query.where(`p.customerId <> ''`);
    else query.where('p.customerId = :customerId', by);
    if (command.orderId !== undefined) query.andWhere('p.orderId = :orderId', command);
    if (before !== undefined) query.andWhere(`(p.createdAt, p.id) < ${PLACE}`, { before });
    const found = await query
      .orderBy('p.createdAt', 'DESC')
      .addOrderBy('p.id', 'DESC')
      .limit(size + 1)
      .getMany();
    const payments = found.slice(0, size).map(paymentView);
    if (found.length <= size) return { payments };
    return { payments, nextPageToken: encodePage(command, [payments.at(-1)!.id]) };
  }
}

/** The id the page ends before; nothing on the first. */
function positionOf(command: ListPayments): string | undefined | Failure {
  try {
    return decodePage(command, command.pageToken)?.[0];
  } catch (error) {
    if (error instanceof Failure) return error;
    throw error;
  }
}
