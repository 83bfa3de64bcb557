/** How many items every candidate has on its shelf, and how much of each: it never runs out. */
export const ITEMS = 200;
export const STOCK = 1_000_000_000;
const CUSTOMERS = 1_000;
const VARIETY = 1_024;

/** One item as every candidate sells it. */
export const item = (n: number): { sku: string; name: string; currency: string; unitPrice: number } => ({
  sku: `item-${String(n).padStart(3, '0')}`,
  name: `Thing number ${n}`,
  currency: 'JPY',
  unitPrice: 100 + ((n * 37) % 900),
});

/** The order bodies that every candidate is sent: three lines, always the same 1,024 of them, in turn. */
export const ORDERS = Array.from({ length: VARIETY }, (_, n) => ({
  customerId: `customer-${n % CUSTOMERS}`,
  email: `customer-${n % CUSTOMERS}@example.com`,
  currency: 'JPY',
  // 37 and 149 share no factor with 200, so the three are different.
  lines: [0, 37, 149].map((step) => ({ sku: item((n * 7 + step) % ITEMS).sku, quantity: 1 + (n % 3) })),
  paymentMethod: 'pm_ok',
}));

const run = `${process.pid.toString(16)}${Date.now().toString(16)}`.padStart(20, '0');
let last = 0;

/** A key nobody has used: every order of the load is a new one. Always 32 characters. */
export const newKey = (): string => `${run}${(last++).toString(16).padStart(12, '0')}`;
