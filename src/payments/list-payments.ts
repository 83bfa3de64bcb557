import { Injectable } from '@nestjs/common';
import type { Tx } from '../database/transaction.js';
import { Failure } from '../failure.js';
import type { Asked, Outcome, UseCase } from '../gates/asked.js';
import { Id, Optional, PageSize, PageToken } from '../gates/fields.js';
import { Operation } from '../gates/operation.js';
import { decodePage, encodePage } from '../gates/page.js';
import type { Payment } from './index.js';
import { paymentView } from './payment-answers.js';
import { PaymentsRepository } from './payments.repository.js';

const PAGE = 50;

/** Asks for payments, newest first. */
@Operation({ name: 'payments.list', scope: 'payments:read', kind: 'query' })
export class ListPayments {
  @Optional() @Id() orderId?: string;
  @Optional() @PageSize() pageSize?: number;
  @Optional() @PageToken() pageToken?: string;
}

/** One page; no token on the last. */
export interface PaymentsPage {
  payments: Payment[];
  nextPageToken?: string;
}

/** Answers pages of payments; a customer's own token sees only its own. */
@Injectable()
export class ListPaymentsHandler implements UseCase<ListPayments, PaymentsPage> {
  constructor(private readonly payments: PaymentsRepository) {}

  async handle(_tx: Tx, asked: Asked<ListPayments>[]): Promise<Outcome<PaymentsPage>[]> {
    const pages: Outcome<PaymentsPage>[] = [];
    // One after the other: a set of lists must not take the whole pool.
    for (const one of asked) pages.push(await this.page(one));
    return pages;
  }

  private async page({ command, by }: Asked<ListPayments>): Promise<Outcome<PaymentsPage>> {
    const position = positionOf(command);
    if (position instanceof Failure) return position;
    const size = command.pageSize ?? PAGE;
    const narrowing = { orderId: command.orderId, customerId: by.customerId, before: position };
    const found = await this.payments.list(narrowing, size + 1);
    const payments = found.slice(0, size).map(paymentView);
    if (found.length <= size) return { payments };
    return { payments, nextPageToken: encodePage(command, [payments.at(-1)!.id]) };
  }
}

function positionOf(command: ListPayments): string | undefined | Failure {
  try {
    return decodePage(command, command.pageToken)?.[0];
  } catch (error) {
    if (error instanceof Failure) return error;
    throw error;
  }
}
