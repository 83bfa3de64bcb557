import type { Item } from '../../inventory/index.js';
import type { Notification } from '../../notifications/index.js';
import type { Act, Message, ReleaseOperation } from '../../ops/index.js';
import type { Order } from '../../orders/index.js';
import type { Payment } from '../../payments/index.js';
import type { JsonSchema } from './json-schema.js';

const ORDER_ID = 'ord_019a5d0e-7c1a-7000-8000-5f3c2a1b0d4e';
const MESSAGE_ID = 'msg_019a5d0e-7c31-7000-8000-1b9a7d6c5e2f';
const PLACED_AT = '2026-01-31T12:00:00.000Z';
const DONE_AT = '2026-01-31T12:00:01.250Z';

const item: Item = {
  sku: 'green-tea',
  name: 'Green tea',
  currency: 'JPY',
  unitPrice: 1200,
  available: 96,
  reserved: 2,
  sold: 2,
  version: 5,
  updatedAt: DONE_AT,
};

const order: Order = {
  id: ORDER_ID,
  state: 'CONFIRMED',
  customerId: 'ada',
  email: 'ada@example.com',
  currency: 'JPY',
  lines: [{ sku: 'green-tea', name: 'Green tea', quantity: 2, unitPrice: 1200, amount: 2400 }],
  total: 2400,
  paymentMethod: 'pm_ok',
  locale: 'en',
  version: 4,
  createdAt: PLACED_AT,
  updatedAt: DONE_AT,
};

const payment: Payment = {
  id: 'pay_019a5d0e-7c22-7000-8000-9e8d7c6b5a41',
  orderId: ORDER_ID,
  customerId: 'ada',
  state: 'CAPTURED',
  currency: 'JPY',
  amount: 2400,
  refunded: 0,
  provider: 'sandbox',
  providerReference: 'sbx_4711',
  createdAt: PLACED_AT,
  updatedAt: DONE_AT,
};

const notification: Notification = {
  id: 'ntf_019a5d0e-80f0-7000-8000-0a1b2c3d4e5f',
  orderId: ORDER_ID,
  customerId: 'ada',
  channel: 'EMAIL',
  to: 'ada@example.com',
  subject: 'Your order is confirmed',
  text: 'Thank you, Ada.',
  state: 'SENT',
  attempts: 1,
  at: DONE_AT,
};

const message: Message = {
  id: MESSAGE_ID,
  module: 'payments',
  type: 'payments.authorise',
  key: ORDER_ID,
  state: 'PARKED',
  attempts: 6,
  reason: 'Something went wrong here (6f1c…).',
  code: 'internal',
  firstAt: PLACED_AT,
  payload: { orderId: ORDER_ID, customerId: 'ada', currency: 'JPY', amount: 2400, paymentMethod: 'pm_ok' },
  headers: {},
  errors: [{ at: DONE_AT, error: 'Something went wrong here (6f1c…).' }],
};

const operation: ReleaseOperation = {
  id: 'opn_019a5d0e-9a00-7000-8000-77aa66bb55cc',
  state: 'RUNNING',
  filter: { state: 'PARKED', module: 'payments' },
  by: 'operator',
  at: DONE_AT,
  selected: 120,
  released: 50,
  failed: 0,
};

const act: Act = {
  id: 'act_019a5d0e-9a10-7000-8000-99887766aa55',
  at: DONE_AT,
  by: 'operator',
  act: 'RELEASE',
  module: 'payments',
  messageId: MESSAGE_ID,
  type: 'payments.authorise',
  key: ORDER_ID,
};

/** What stands for a message of this name wherever it is shown; the compiler compares it with the class. */
const WHOLE: Record<string, object> = {
  Item: item,
  Order: order,
  OrderLine: order.lines[0]!,
  Payment: payment,
  Notification: notification,
  Message: message,
  Operation: operation,
  Act: act,
  GetTimelineResponseEntry: {
    sequence: 1,
    type: 'order-placed',
    at: PLACED_AT,
    detail: { total: 2400, currency: 'JPY' },
  },
};

/** What an operation answers, where that is not the usual sample. */
const ANSWERS: Record<string, object> = {
  'orders.place': { ...order, state: 'PLACED', version: 1, updatedAt: PLACED_AT },
  'orders.cancel': { ...order, state: 'CLOSING', reason: 'cancelled-by-customer', version: 5 },
};

/** What stands for a field of this name; null = it has no sample of its own. */
const FIELDS: Record<string, unknown> = {
  ...order,
  ...item,
  id: ORDER_ID,
  orderId: ORDER_ID,
  messageId: MESSAGE_ID,
  quantity: 2,
  amount: 1200,
  module: 'payments',
  reason: 'The customer ordered again by telephone.',
  payload: message.payload,
  pageSize: 50,
  pageToken: 'WyJ6Q1R4N3lYUTBvQjRtSmpmIiwib3JkXzAxOWE1ZDBlIl0',
  filter: operation.filter,
  detail: {},
  at: PLACED_AT,
  sequence: 1,
  cursor: 'MToxMDQyOjA',
  track: [ORDER_ID],
  state: null,
  type: null,
  key: null,
  code: null,
  note: null,
  locale: null,
  customerId: 'ada',
  nextPageToken: null,
};

/** Optional, but what an operation is about. */
const SHOWN = ['amount'];

/** An example of what a schema describes, made of the samples above; fields nobody named get a value of their type. */
export class Examples {
  constructor(private readonly named: Record<string, JsonSchema>) {}

  of(schema: JsonSchema, name = ''): unknown {
    if (schema.$ref) return this.ofNamed(schema.$ref.split('/').at(-1)!);
    if (Object.hasOwn(FIELDS, name) && FIELDS[name] !== null && fits(schema, FIELDS[name])) return FIELDS[name];
    if (schema.type === 'object') return this.members(schema);
    if (schema.type === 'array') return [this.of(schema.items ?? {}, '')];
    if (Array.isArray(schema['enum'])) return schema['enum'][0];
    return BY_FORMAT[(schema['format'] as string) ?? ''] ?? BY_TYPE[schema.type ?? ''] ?? 'text';
  }

  /** What this operation answers. */
  answerOf(operation: string, schema: JsonSchema): unknown {
    return ANSWERS[operation] ?? this.of(schema);
  }

  private ofNamed(name: string): unknown {
    return WHOLE[name] ?? this.of(this.named[name]!);
  }

  private members({ properties = {}, required = [] }: JsonSchema): object {
    const shown = Object.entries(properties).filter(([name]) => required.includes(name) || SHOWN.includes(name));
    return Object.fromEntries(shown.map(([name, one]) => [name, this.of(one, name)]));
  }
}

const BY_FORMAT: Record<string, unknown> = { 'date-time': PLACED_AT, email: 'ada@example.com' };
const BY_TYPE: Record<string, unknown> = { integer: 1, number: 1, boolean: true };

/** Whether a sample is of this form: as the same name may mean two things. */
function fits(schema: JsonSchema, value: unknown): boolean {
  const { type, properties, required = [], items } = schema;
  if (Array.isArray(schema['enum'])) return schema['enum'].includes(value);
  if (type === 'integer') return typeof value === 'number';
  if (type === 'array') return Array.isArray(value) && value.every((one) => fits(items ?? {}, one));
  if (type !== 'object' || typeof value !== 'object' || value === null) return typeof value === type;
  const open = properties === undefined;
  return (
    (open || Object.keys(value).every((name) => Object.hasOwn(properties, name))) &&
    required.every((name) => Object.hasOwn(value, name))
  );
}
