import type { Language } from './templates.language.js';

/** The mails in English. */
export const english: Language = {
  tag: 'en',
  subject: {
    CONFIRMED: (orderId) => `Your order ${orderId} is confirmed`,
    REJECTED: (orderId) => `Your order ${orderId} could not be accepted`,
    CANCELLED: (orderId) => `Your order ${orderId} is cancelled`,
  },
  opening: {
    CONFIRMED: 'Thank you. Your order is confirmed and paid.',
    REJECTED: 'We are sorry: we could not accept your order. You are not charged for it.',
    CANCELLED: 'Your order is cancelled. You are not charged for it; whatever was paid has been returned.',
  },
  reason: {
    'payment-declined': 'The payment was declined.',
    'insufficient-funds': 'The payment was declined because the funds were not sufficient.',
    'unknown-payment-method': 'The payment method is not known to us.',
    'payment-unavailable': 'The payment service could not be reached in time.',
    'out-of-stock': 'Something in this order is out of stock.',
    'capture-failed': 'The payment could not be completed.',
    'cancelled-by-customer': 'It was cancelled at your request.',
    'cancelled-by-operator': 'It was cancelled by our staff.',
  },
  order: (orderId) => `Order ${orderId}`,
  item: 'Item',
  quantity: 'Quantity',
  amount: 'Amount',
  total: 'Total',
  note: 'Your note',
};
