import { Controller, UseInterceptors } from '@nestjs/common';
import { GrpcMethod } from '@nestjs/microservices';
import type { Asked } from '../gates/asked.js';
import { Gatherer } from '../gates/gatherer.js';
import { GrpcReplies } from '../gates/grpc/replies.js';
import { Input } from '../gates/input.decorator.js';
import { GetPayment } from './get-payment.js';
import { ListPayments } from './list-payments.js';
import { PaymentsUseCases } from './payments.use-cases.js';
import { RefundPayment } from './refund-payment.js';

/** Payments over gRPC. */
@Controller()
@UseInterceptors(GrpcReplies)
export class PaymentsGrpcController {
  constructor(
    private readonly gatherer: Gatherer,
    private readonly on: PaymentsUseCases,
  ) {}

  @GrpcMethod('PaymentsService', 'GetPayment')
  get(@Input(GetPayment) asked: Asked<GetPayment>) {
    return this.gatherer.gather(this.on.getPayment, asked);
  }

  @GrpcMethod('PaymentsService', 'ListPayments')
  list(@Input(ListPayments) asked: Asked<ListPayments>) {
    return this.gatherer.gather(this.on.listPayments, asked);
  }

  @GrpcMethod('PaymentsService', 'RefundPayment')
  refund(@Input(RefundPayment) asked: Asked<RefundPayment>) {
    return this.gatherer.gather(this.on.refundPayment, asked);
  }
}
