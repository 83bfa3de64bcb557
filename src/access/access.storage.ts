import type { Storage } from '../database/data-sources.js';
import { AccessBuckets1700000000001 } from './migrations/0001-buckets.js';

/** What access stores, in every database: only how much of its rate each caller used up. */
export const accessStorage: Storage = { schema: 'access', entities: [], migrations: [AccessBuckets1700000000001] };
