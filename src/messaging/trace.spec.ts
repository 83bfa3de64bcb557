import { uuidv7 } from '../uuid.js';
import { hop, publicTrace, traceOf } from './trace.js';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const SPAN = '00f067aa0ba902b7';

describe('a traceparent that was given', () => {
  it.each([
    [`00-${TRACE}-${SPAN}-01`, '01'],
    [`00-${TRACE}-${SPAN}-00`, '00'],
    [` 00-${TRACE}-${SPAN}-03 `, '01'],
    [`cc-${TRACE}-${SPAN}-01`, '01'],
    [`cc-${TRACE}-${SPAN}-01-what-the-future-brings`, '01'],
  ])('is read as the standard says: %s', (given, flags) => {
    expect(traceOf(given)).toBe(`00-${TRACE}-${SPAN}-${flags}`);
  });

  it.each([
    undefined,
    '',
    'a trace',
    42,
    { traceparent: `00-${TRACE}-${SPAN}-01` },
    `00-${TRACE}-${SPAN}`,
    `00-${TRACE.toUpperCase()}-${SPAN}-01`,
    `00-${'0'.repeat(32)}-${SPAN}-01`,
    `00-${TRACE}-${'0'.repeat(16)}-01`,
    `00-${TRACE}-${SPAN}-01-more`,
    `ff-${TRACE}-${SPAN}-01`,
    `cc-${TRACE}-${SPAN}-01.more`,
    `cc-${TRACE}-${SPAN}-01-${'x'.repeat(600)}`,
    `00-${TRACE}-${SPAN}-01, 00-${TRACE}-${SPAN}-01`,
  ])('is ignored when it is not valid: %j', (given) => {
    expect(traceOf(given)).toBeUndefined();
  });
});

it('a hop stays in its trace, and its span is its message', () => {
  const [one, other] = [uuidv7(), uuidv7()];
  const given = `00-${TRACE}-${SPAN}-01`;
  expect(hop(given, one)).toMatch(new RegExp(`^00-${TRACE}-[0-9a-f]{16}-01$`));
  expect(hop(given, one)).toBe(hop(hop(given, other), one));
  expect(hop(given, one)).not.toBe(hop(given, other));
});

it('an event of a thing that is no order and that nobody traces is a trace of its own', () => {
  const row = { id: uuidv7(), key: 'sku-1', headers: null, route: 'public', type: 'inventory.item-put.v1', body: '{}' };
  expect(traceOf(publicTrace(row))).toBe(publicTrace(row));
  expect(publicTrace(row).slice(3, 35)).toBe(row.id.replaceAll('-', ''));
});
