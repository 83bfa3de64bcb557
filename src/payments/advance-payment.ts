import { messageOf } from '../messaging/contract.js';
import type { Failure } from '../failure.js';
import type { Message } from '../messaging/message.js';
import { Receiver, Receives, type Reception } from '../messaging/receives.js';
import { AuthorisePayment, CapturePayment, UndoPayment } from './index.js';
import type { PaymentEvent } from './payment-record.js';
import { PaymentStory } from './payment-story.js';

type PaymentCommand = AuthorisePayment | CapturePayment | UndoPayment;

const EVENTS: Record<string, (command: AuthorisePayment) => PaymentEvent> = {
  [messageOf(AuthorisePayment).type]: ({ customerId, currency, amount, paymentMethod }) => ({
    ...{ type: 'authorise', customerId, currency, amount, paymentMethod },
  }),
  [messageOf(CapturePayment).type]: () => ({ type: 'capture' }),
  [messageOf(UndoPayment).type]: () => ({ type: 'undo' }),
};

/** What orders tell payments to do. */
@Receiver('payments')
export class AdvancePayment {
  constructor(private readonly story: PaymentStory) {}

  @Receives(AuthorisePayment, CapturePayment, UndoPayment)
  advance(set: Message<PaymentCommand>[], { tx }: Reception): Promise<(Failure | undefined)[]> {
    return this.story.advance(
      tx,
      set.map(({ type, body }) => ({ orderId: body.orderId, event: EVENTS[type]!(body as AuthorisePayment) })),
    );
  }
}
