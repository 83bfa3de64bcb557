import type { Order } from '../orders/index.js';
import type { Kind } from './kind.js';
import { english } from './templates.english.js';
import { japanese } from './templates.japanese.js';
import { money } from './templates.money.js';
import { render } from './templates.js';

const order = (with_: Partial<Order> = {}): Order => ({
  id: 'ord_1',
  state: 'CONFIRMED',
  customerId: 'cus_1',
  email: 'a@example.com',
  currency: 'JPY',
  lines: [
    { sku: 'TEA', name: 'Tea', quantity: 2, unitPrice: 500, amount: 1000 },
    { sku: 'CUP', name: 'Cup', quantity: 1, unitPrice: 200, amount: 200 },
  ],
  total: 1200,
  paymentMethod: 'pm_ok',
  locale: 'en',
  version: 4,
  createdAt: '2026-01-02T03:04:05.678Z',
  updatedAt: '2026-01-02T03:04:05.678Z',
  ...with_,
});

const KINDS: Kind[] = ['CONFIRMED', 'REJECTED', 'CANCELLED'];
const REASONS = [
  'payment-declined',
  'insufficient-funds',
  'unknown-payment-method',
  'payment-unavailable',
  'out-of-stock',
  'capture-failed',
  'cancelled-by-customer',
  'cancelled-by-operator',
] as const;

describe('an amount', () => {
  it.each([
    ['JPY', 1200, '¥1,200'],
    ['EUR', 1200, '€12.00'],
    ['EUR', 5, '€0.05'],
    ['USD', 123_456_789, '$1,234,567.89'],
    ['KWD', 1200, 'KWD 1.200'],
    ['CLF', 12_345, 'CLF 1.2345'],
    ['JPY', 1e12, '¥1,000,000,000,000'],
    ['EUR', 999_999_999_999, '€9,999,999,999.99'],
    ['GBP', 0, '£0.00'],
  ])('of %s %d is %s', (currency, amount, shown) => expect(money(currency, amount)).toBe(shown));

  it.each([
    ['HUF', 'HUF 12.00'],
    ['IDR', 'IDR 12.00'],
    ['IQD', 'IQD 1.200'],
    ['UGX', 'UGX 1,200'],
  ])('of %s follows ISO 4217 and not the ICU of this Node', (currency, shown) =>
    expect(money(currency, 1200)).toBe(shown),
  );
});

describe('a mail', () => {
  it('says in plain text what was ordered, what it costs and what was noted', () => {
    expect(render('CONFIRMED', order({ note: 'Ring twice\nplease' }))).toMatchObject({
      subject: 'Your order ord_1 is confirmed',
      text: `Thank you. Your order is confirmed and paid.

Order ord_1
- Tea × 2: ¥1,000
- Cup × 1: ¥200
Total: ¥1,200

Your note:
> Ring twice
> please
`,
    });
  });

  it('says the same in HTML', () => {
    const { html } = render('CONFIRMED', order({ currency: 'EUR', note: 'Ring twice\nplease' }));
    expect(html).toContain('<html lang="en">');
    expect(html).toContain('<tr><td>Tea</td><td>2</td><td>€10.00</td></tr>');
    expect(html).toContain('<th colspan="2">Total</th><th>€12.00</th>');
    expect(html).toContain('<blockquote>Ring twice<br>please</blockquote>');
  });

  it('is written in Japanese for a Japanese order', () => {
    const { subject, text, html } = render('CANCELLED', order({ locale: 'ja', reason: 'cancelled-by-customer' }));
    expect(subject).toBe('ご注文 ord_1 がキャンセルされました');
    expect(text).toContain('お客様のご依頼によりキャンセルされました。');
    expect(text).toContain('合計: ¥1,200');
    expect(html).toContain('<html lang="ja">');
  });

  it.each(KINDS)('about an order that is %s has a subject and an opening of its own in both languages', (kind) => {
    for (const [locale, language] of [
      ['en', english],
      ['ja', japanese],
    ] as const) {
      const mail = render(kind, order({ locale }));
      const others = KINDS.filter((other) => other !== kind).map((other) => render(other, order({ locale })));
      expect(mail.text.startsWith(`${language.opening[kind]}\n\n`)).toBe(true);
      for (const other of others) expect([other.subject, other.text]).not.toContain(mail.subject);
      expect(new Set([mail, ...others].map(({ text }) => text)).size).toBe(3);
    }
  });

  it.each(REASONS)('says %s in human words', (reason) => {
    for (const locale of ['en', 'ja'] as const) {
      const { text, html } = render('REJECTED', order({ locale, reason }));
      const words = (locale === 'en' ? english : japanese).reason[reason];
      expect(text).toContain(words);
      expect(html).toContain(words);
      expect(text).not.toContain(reason);
    }
  });

  it('keeps silent about a reason nobody knows', () => {
    for (const reason of ['constructor', 'new-reason'])
      expect(render('REJECTED', order({ reason }))).toEqual(render('REJECTED', order()));
  });
});

describe('what users write', () => {
  const hostile = 'x\r\nBcc: victim@example.com\r\n\r\n.\r\n<script>alert("1")</script>&\'\u2028\u0000\u0085end';
  const lines = [{ sku: 'A', name: hostile, quantity: 1, unitPrice: 1, amount: 1 }];

  it('never reaches the subject', () => {
    for (const locale of ['en', 'ja'] as const)
      expect(render('CONFIRMED', order({ locale, note: hostile, lines })).subject).toBe(
        render('CONFIRMED', order({ locale })).subject,
      );
    expect(render('CONFIRMED', order({ id: hostile })).subject).not.toMatch(/[\r\n\u2028]/);
  });

  it('begins no line of its own in the text but a quoted one', () => {
    const { text } = render('CONFIRMED', order({ note: hostile, lines }));
    const of = text
      .split('\n')
      .filter((line) => line.includes('Bcc') || line.includes('script') || line.includes('end'));
    expect(of.length).toBe(4);
    for (const line of of) expect(line).toMatch(/^(- |> )/);
    expect(text).not.toMatch(/\r|\u2028|\u0085|\u0000/);
  });

  it('is text and nothing else in the HTML', () => {
    const { html } = render('CONFIRMED', order({ id: '<b>', note: hostile, lines }));
    expect(html).not.toMatch(/<script|<b>|"1"|&'/);
    expect(html).toContain('&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&amp;&#39;');
  });
});
