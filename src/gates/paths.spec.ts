import { pointerOf } from './paths.js';

it.each([
  ['lines[0].quantity', '#/lines/0/quantity'],
  ['payload.orderId', '#/payload/orderId'],
  ['sku', '#/sku'],
  ['body', '#'],
  ['__proto__[admin]', undefined],
  ['query', undefined],
  ['idempotency-key', undefined],
  ['a'.repeat(200) + '…', undefined],
])('points at %s in the input with %s', (field, pointer) => expect(pointerOf(field)).toBe(pointer));
