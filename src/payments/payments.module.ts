import { type DynamicModule, Module } from '@nestjs/common';
import { GatesModule } from '../gates/gates.module.js';
import { MessagingModule } from '../messaging/messaging.module.js';
import { AdvancePayment } from './advance-payment.js';
import { GetPaymentHandler } from './get-payment.js';
import { ListPaymentsHandler } from './list-payments.js';
import { PaymentEffects } from './payment-effects.js';
import { PaymentStory } from './payment-story.js';
import { PaymentsAmqpController } from './payments.amqp.controller.js';
import { PaymentsGrpcController } from './payments.grpc.controller.js';
import { PaymentsHttpController } from './payments.http.controller.js';
import { PAYMENTS_OPTIONS, type PaymentsOptions } from './payments.options.js';
import { PaymentsRepository } from './payments.repository.js';
import { PaymentsUseCases } from './payments.use-cases.js';
import { RefundPaymentHandler } from './refund-payment.js';

/** The money of an order: held, taken, given back. Knows no other module. */
@Module({})
export class PaymentsModule {
  static forRoot(options: PaymentsOptions): DynamicModule {
    return {
      module: PaymentsModule,
      imports: [MessagingModule.for('payments'), GatesModule.for('payments')],
      controllers: [PaymentsHttpController, PaymentsGrpcController, PaymentsAmqpController],
      providers: [
        { provide: PAYMENTS_OPTIONS, useValue: options },
        PaymentsRepository,
        AdvancePayment,
        PaymentStory,
        PaymentEffects,
        GetPaymentHandler,
        ListPaymentsHandler,
        RefundPaymentHandler,
        PaymentsUseCases,
      ],
    };
  }
}
