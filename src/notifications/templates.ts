import type { Order } from '../orders/index.js';
import type { Kind } from './kind.js';
import { english } from './templates.english.js';
import { japanese } from './templates.japanese.js';
import type { Language, Reason } from './templates.language.js';
import { money } from './templates.money.js';

/** What a customer reads. */
export interface Rendered {
  subject: string;
  text: string;
  html: string;
}

const LANGUAGES: Record<Order['locale'], Language> = { en: english, ja: japanese };

/** The mail about one order, in its customer's language. What users wrote is in the bodies only, never in the subject. */
export function render(kind: Kind, order: Order): Rendered {
  const language = LANGUAGES[order.locale];
  const subject = language.subject[kind](oneLine(order.id));
  const letter = { language, kind, order, subject };
  return { subject, text: asText(letter), html: asHtml(letter) };
}

interface Letter {
  language: Language;
  kind: Kind;
  order: Order;
  subject: string;
}

function asText({ language, kind, order }: Letter): string {
  const lines = order.lines.map(
    ({ name, quantity, amount }) => `- ${oneLine(name)} × ${quantity}: ${money(order.currency, amount)}`,
  );
  const paragraphs = [
    [language.opening[kind], reasonOf(language, order)].filter(Boolean).join('\n'),
    [language.order(oneLine(order.id)), ...lines, `${language.total}: ${money(order.currency, order.total)}`].join(
      '\n',
    ),
  ];
  // Quoted line by line, so that nothing a customer wrote can be taken for what we say.
  if (order.note)
    paragraphs.push(
      `${language.note}:\n${linesOf(order.note)
        .map((line) => `> ${line}`)
        .join('\n')}`,
    );
  return `${paragraphs.join('\n\n')}\n`;
}

function asHtml({ language, kind, order, subject }: Letter): string {
  const reason = reasonOf(language, order);
  const rows = order.lines.map(
    ({ name, quantity, amount }) =>
      `<tr><td>${escaped(oneLine(name))}</td><td>${quantity}</td><td>${escaped(money(order.currency, amount))}</td></tr>`,
  );
  const note = order.note ? linesOf(order.note).map(escaped).join('<br>') : undefined;
  return [
    `<!doctype html><html lang="${language.tag}"><head><meta charset="utf-8"><title>${escaped(subject)}</title></head><body>`,
    `<p>${escaped(language.opening[kind])}</p>`,
    reason && `<p>${escaped(reason)}</p>`,
    `<p>${escaped(language.order(order.id))}</p>`,
    `<table><thead><tr><th>${language.item}</th><th>${language.quantity}</th><th>${language.amount}</th></tr></thead><tbody>`,
    ...rows,
    `</tbody><tfoot><tr><th colspan="2">${language.total}</th><th>${escaped(money(order.currency, order.total))}</th></tr></tfoot></table>`,
    note && `<p>${language.note}:</p><blockquote>${note}</blockquote>`,
    '</body></html>',
  ]
    .filter(Boolean)
    .join('\n');
}

/** A code that no language knows is left out: it says nothing to a customer. */
const reasonOf = (language: Language, { reason }: Order): string | undefined =>
  reason !== undefined && Object.hasOwn(language.reason, reason) ? language.reason[reason as Reason] : undefined;

const oneLine = (text: string): string => text.replace(/[\p{Cc}\u2028\u2029]+/gu, ' ');

const linesOf = (text: string): string[] => text.split(/\r\n|[\n\v\f\r\u0085\u2028\u2029]/).map(oneLine);

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

const escaped = (text: string): string => text.replace(/[&<>"']/g, (character) => ENTITIES[character]!);
