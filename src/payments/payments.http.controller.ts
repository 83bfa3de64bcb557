import { Controller, Get, Post } from '@nestjs/common';
import type { Asked } from '../gates/asked.js';
import { Gatherer } from '../gates/gatherer.js';
import { Replies } from '../gates/http/replies.js';
import { Input } from '../gates/input.decorator.js';
import { GetPayment } from './get-payment.js';
import { ListPayments } from './list-payments.js';
import type { Payment } from './index.js';
import { PaymentsUseCases } from './payments.use-cases.js';
import { RefundPayment } from './refund-payment.js';

/** Payments over REST. */
@Controller('v1/payments')
export class PaymentsHttpController {
  constructor(
    private readonly gatherer: Gatherer,
    private readonly on: PaymentsUseCases,
  ) {}

  @Get()
  list(@Input(ListPayments) asked: Asked<ListPayments>) {
    return this.gatherer.gather(this.on.listPayments, asked);
  }

  @Get(':id')
  get(@Input(GetPayment) asked: Asked<GetPayment>) {
    return this.gatherer.gather(this.on.getPayment, asked);
  }

  @Post(':id/refunds')
  @Replies<Payment>({ status: 202 })
  refund(@Input(RefundPayment) asked: Asked<RefundPayment>) {
    return this.gatherer.gather(this.on.refundPayment, asked);
  }
}
