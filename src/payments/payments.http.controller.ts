import { Controller, Get, UseInterceptors } from '@nestjs/common';
import type { Asked } from '../gates/asked.js';
import { Gatherer } from '../gates/gatherer.js';
import { HttpReplies } from '../gates/http/replies.js';
import { Input } from '../gates/input.decorator.js';
import { GetPayment } from './get-payment.js';
import { ListPayments } from './list-payments.js';
import { PaymentsUseCases } from './payments.use-cases.js';

/** Payments over REST. */
@Controller('v1/payments')
@UseInterceptors(HttpReplies)
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
}
