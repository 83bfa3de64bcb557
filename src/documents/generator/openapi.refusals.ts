import { STATUS_CODES } from 'node:http';
import { Failure } from '../../failure.js';
import { problem } from '../../gates/http/problem.js';
import { ON_ALL } from './openapi.fixed.js';
import type { Refusal } from './refusals.js';

/** The refusals of one operation as responses, by their status. */
export function responseOf(refusals: Refusal[]): Record<string, object> {
  const byStatus = new Map<number, Refusal[]>();
  for (const one of refusals) byStatus.set(one.rest!, [...(byStatus.get(one.rest!) ?? []), one]);
  return Object.fromEntries([...byStatus].sort(([a], [b]) => a - b).map(([status, told]) => [status, response(told)]));
}

function response(told: Refusal[]): object {
  const own = told.flatMap((one) => Object.keys(problem(failureOf(one)).headers));
  const headers = [...new Set([...own, ...ON_ALL.answers])];
  return {
    description: `${STATUS_CODES[told[0]!.rest!]}: ${told.map(({ code }) => `\`${code}\``).join(', ')}.`,
    headers: Object.fromEntries(headers.map((name) => [name, { $ref: `#/components/headers/${name}` }])),
    content: {
      'application/problem+json': {
        schema: { $ref: '#/components/schemas/Problem' },
        examples: Object.fromEntries(told.map(({ code }) => [code, { $ref: `#/components/examples/${code}` }])),
      },
    },
  };
}

/** A refusal as it goes over the wire, made by the gate itself. */
export const problemExample = (refusal: Refusal): object => ({
  summary: refusal.note ?? refusal.said[0]?.says,
  value: problem(failureOf(refusal)).body,
});

function failureOf({ kind, code, said }: Refusal): Failure {
  const { says } = said.find((one) => one.says === '{field}: {message}') ?? said[0] ?? { says: '' };
  const sentence = says
    .replace('{message}', MESSAGES[code] ?? '{message}')
    .replace(/\{(\w+|…)\}/g, (_, name: string) => FILLED[name] ?? name);
  const [, field, message] = (kind === 'invalid' && /^([\w[\]{}.-]+): (.*)$/.exec(sentence)) || [];
  const details = field && message && !/^[A-Z]/.test(field) ? { fields: [{ field, message }] } : {};
  return new Failure(kind, code, sentence, kind === 'internal' ? { id: FILLED['id']! } : details);
}

/** What is wrong with a field, where only the code knows it. */
const MESSAGES: Record<string, string> = {
  'unknown-sku': 'there is no such item',
  'currency-mismatch': 'is sold in EUR',
};

/** What stands in the gaps of an example's sentence. */
const FILLED: Record<string, string> = {
  id: '019a5d0e-7c1a-7000-8000-5f3c2a1b0d4e',
  sku: 'green-tea',
  scope: 'orders:write',
  module: 'payments',
  left: '1200',
  field: 'lines[0].sku',
  message: 'is required',
  type: 'application/json',
  method: 'GET',
  why: 'its body is not JSON',
  MAX_BODY: '1048576',
  MOST_RECEIVED: '1000000000000',
};
