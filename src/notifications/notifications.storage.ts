import type { Storage } from '../database/data-sources.js';
import { Notifications1700000000001 } from './migrations/0001-notifications.js';
import { NotificationsRepair1700000000002 } from './migrations/0002-repair.js';
import { NotificationsTraces1700000000003 } from './migrations/0003-traces.js';
import { NotificationsPages1700000000004 } from './migrations/0004-pages.js';
import { NotificationsRoom1700000000005 } from './migrations/0005-room.js';
import { NotificationSchema } from './notification.schema.js';

/** What notifications stores. */
export const notificationsStorage: Storage = {
  schema: 'notifications',
  entities: [NotificationSchema],
  migrations: [
    Notifications1700000000001,
    NotificationsRepair1700000000002,
    NotificationsTraces1700000000003,
    NotificationsPages1700000000004,
    NotificationsRoom1700000000005,
  ],
};
