import type { Storage } from '../database/data-sources.js';
import { Payments1700000000001 } from './migrations/0001-payments.js';
import { PaymentsRepair1700000000002 } from './migrations/0002-repair.js';
import { PaymentsTraces1700000000003 } from './migrations/0003-traces.js';
import { PaymentsPages1700000000004 } from './migrations/0004-pages.js';
import { PaymentsRoom1700000000005 } from './migrations/0005-room.js';
import { PaymentSchema } from './payment.schema.js';

/** What payments stores. */
export const paymentsStorage: Storage = {
  schema: 'payments',
  entities: [PaymentSchema],
  migrations: [
    Payments1700000000001,
    PaymentsRepair1700000000002,
    PaymentsTraces1700000000003,
    PaymentsPages1700000000004,
    PaymentsRoom1700000000005,
  ],
};
