import { Injectable } from '@nestjs/common';
import { type FindOptionsWhere, LessThan, Not } from 'typeorm';
import { Database } from '../database/database.js';
import type { Tx } from '../database/transaction.js';
import { Failure } from '../failure.js';
import type { Asked, Outcome, UseCase } from '../gates/asked.js';
import { Id, Optional, PageSize, PageToken } from '../gates/fields.js';
import { Operation } from '../gates/operation.js';
import { decodePage, encodePage } from '../gates/page.js';
import type { Payment } from './index.js';
import { paymentView } from './payment-answers.js';
import type { PaymentRecord } from './payment-record.js';
import { PaymentSchema } from './payment.schema.js';

const PAGE = 50;

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
    // Ids are UUIDv7, so their order is that of their making. A tombstone has no customer and is nobody's payment.
    const where: FindOptionsWhere<PaymentRecord> = {
      customerId: by.customerId ?? Not(''),
      ...(command.orderId !== undefined && { orderId: command.orderId }),
      ...(before !== undefined && { id: LessThan(before) }),
    };
    const found = await this.database.dataSource
      .getRepository(PaymentSchema)
      .find({ where, order: { id: 'DESC' }, take: size + 1 });
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
