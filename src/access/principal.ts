/** Everything a key, a token or a publisher can be allowed to do. */
export const SCOPES = [
  'orders:read',
  'orders:write',
  'payments:read',
  'payments:write',
  'inventory:read',
  'inventory:write',
  'notifications:read',
  'ops',
] as const;

export type Scope = (typeof SCOPES)[number];

/** Who is calling. `name` scopes idempotency keys, so it never changes for one credential. */
export interface Principal {
  name: string;
  scopes: ReadonlySet<Scope>;
  /** Set for a customer's own token: lists are narrowed to it and everything else is not found. */
  customerId?: string;
}
