/** Everything a key, a token or a publisher can be allowed to do. */
export const SCOPES = [
  'orders:read',
  'orders:write',
  'payments:read',
  'payments:write',
  'inventory:read',
  'inventory:write',
  'notifications:read',
  'metrics:read',
  'ops',
] as const;

export type Scope = (typeof SCOPES)[number];

/** Who is calling. `name` scopes idempotency keys, so it never changes for one credential. */
export interface Principal {
  name: string;
  scopes: ReadonlySet<Scope>;
  /** Set for a customer's own token: lists are narrowed to it and everything else is not found. */
  customerId?: string;
  /** When its token ends, in milliseconds since 1970; keys do not end by themselves. */
  expiresAt?: number;
}

const CUSTOMER = 'customer:';

/** What a customer's token cannot allow, whatever it claims: these move other people's money and goods, or tell of them. */
const NEVER_OF_A_CUSTOMER: readonly Scope[] = ['inventory:write', 'payments:write', 'metrics:read', 'ops'];

/** The principal of a customer's own token; scopes nobody knows and those a customer never has are left out. */
export function customer(id: string, claimed: readonly string[], expiresAt?: number): Principal {
  const scopes = SCOPES.filter((scope) => claimed.includes(scope) && !NEVER_OF_A_CUSTOMER.includes(scope));
  return {
    name: CUSTOMER + id,
    scopes: new Set(scopes),
    customerId: id,
    ...(expiresAt !== undefined && { expiresAt }),
  };
}

/** Who a stored command was admitted for; whether that was a customer stands in the name. */
export function remembered(name: string, scopes: readonly Scope[]): Principal {
  if (name.startsWith(CUSTOMER)) return customer(name.slice(CUSTOMER.length), scopes);
  return { name, scopes: new Set(scopes) };
}
