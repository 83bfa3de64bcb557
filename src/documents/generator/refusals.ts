import { status } from '@grpc/grpc-js';
import { Failure, type FailureKind } from '../../failure.js';
import { codeOf } from '../../gates/grpc/status.js';
import { statusOf } from '../../gates/http/problem.js';
import { type RefusalInCode, refusalsInCode } from './refusals-in-code.js';
import type { Surface } from './surface.js';

/** One code as it is published: what it means on each gate, and which operations say it. */
export interface Refusal {
  code: string;
  kind: FailureKind;
  /** The status over REST; null = not said there. */
  rest: number | null;
  /** The status code over gRPC; null = not said there. */
  grpc: string | null;
  /** What becomes of a command over RabbitMQ; null = not said there. */
  amqp: string | null;
  /** When it is said, if its sentence does not tell. */
  note?: string;
  /** The sentences it is told in, and the files that say them; what is filled in stands in braces. */
  said: { says: string; file: string }[];
  /** The operations that say it; empty when it belongs to a gate or is seen inside only. */
  operations: string[];
}

const OVER_AMQP: Record<FailureKind, string> = {
  invalid: 'parked, told to reply-to',
  unauthenticated: 'parked, told to reply-to',
  forbidden: 'parked, told to reply-to',
  'not-found': 'told to reply-to',
  conflict: 'told to reply-to',
  precondition: 'told to reply-to',
  exhausted: 'waits, is tried again',
  unavailable: 'waits, is tried again',
  deadline: 'told to reply-to',
  cancelled: 'told to reply-to',
  elsewhere: 'told to reply-to',
  internal: 'tried again, then parked',
};

/** Everything this house can refuse, by code. */
export function refusals(surface: Surface[]): Refusal[] {
  const byCode = new Map<string, RefusalInCode[]>();
  for (const one of refusalsInCode()) byCode.set(one.code, [...(byCode.get(one.code) ?? []), one]);
  return [...byCode.keys()].sort().map((code) => refusal(code, byCode.get(code)!, surface));
}

function refusal(code: string, said: RefusalInCode[], surface: Surface[]): Refusal {
  const kinds = new Set(said.map(({ kind }) => kind));
  if (kinds.size > 1) throw new Error(`${code} is said as ${[...kinds].join(' and ')}: one code has one kind`);
  const [{ kind, note }] = said as [RefusalInCode];
  const by = surface.filter(({ traits }) => traits.refuses?.includes(code));
  return {
    code,
    kind,
    rest: isMetAt('rest', said, by) ? statusOf(new Failure(kind, code, '')) : null,
    grpc: isMetAt('grpc', said, by) ? status[codeOf(kind)] : null,
    amqp: isMetAt('amqp', said, by) ? overAmqp(kind, code, by) : null,
    ...(note && { note }),
    said: sentencesOf(said),
    operations: by.map(({ traits }) => traits.name),
  };
}

/** What a command's own handler refuses had its answer; what admission refuses is kept for repair. */
function overAmqp(kind: FailureKind, code: string, by: Surface[]): string {
  if (code === 'idempotency-key-in-use') return OVER_AMQP.unavailable;
  if (code === 'reply-to-missing') return 'dropped, counted in the log';
  if (code === 'reply-to-not-allowed') return 'parked, nobody is told';
  return by.length > 0 && OVER_AMQP[kind].startsWith('parked') ? 'told to reply-to' : OVER_AMQP[kind];
}

type Gate = 'rest' | 'grpc' | 'amqp';

/** What is said there is not met at this gate. */
const FOREIGN: Record<Gate, RegExp> = {
  rest: /^gates\/(amqp|grpc)\//,
  grpc: /^gates\/(amqp|http)\//,
  amqp: /^gates\/(grpc|http)\//,
};

/** Whether a code is met at a gate: through its operations, or because a floor below all of them says it. */
function isMetAt(gate: Gate, said: RefusalInCode[], by: Surface[]): boolean {
  if (by.some((of) => (gate === 'amqp' ? of.amqp : of[gate].length > 0))) return true;
  const below = said.filter(({ file, ofFramework }) => BELOW.test(file) && (gate === 'rest' || !ofFramework));
  return below.some(({ file }) => !FOREIGN[gate].test(file));
}

/** Each sentence once; those of the REST gate and below come first, as most readers meet them there. */
function sentencesOf(said: RefusalInCode[]): Refusal['said'] {
  const sentences = said.filter(({ says }) => !says.endsWith(': ')).map(({ says, file }) => ({ says, file }));
  const [here, there] = [
    sentences.filter(({ file }) => !ASIDE.test(file)),
    sentences.filter(({ file }) => ASIDE.test(file)),
  ];
  return [...here, ...there].filter(({ says }, i, all) => all.findIndex((one) => one.says === says) === i);
}

/** The floors that every operation stands on; what they refuse may be the answer of any of them. */
const BELOW = /^(access|database|gates)\//;
const ASIDE = /^(messaging|gates\/(amqp|grpc))\//;

/** What is said where there is no operation yet. */
const WITHOUT_OPERATION = ['unknown-route', 'method-not-allowed', 'headers-too-large', 'request-timeout'];

/** Whether an operation may answer a code over REST. */
export function refusesOverRest({ code, kind, said, operations }: Refusal, of: Surface, input: Set<string>): boolean {
  if (operations.includes(of.traits.name)) return true;
  const below = said.some(({ file }) => BELOW.test(file) && !ASIDE.test(file));
  // Who went away is told nothing.
  if (!below || WITHOUT_OPERATION.includes(code) || kind === 'cancelled') return false;
  const reads = of.traits.kind === 'query';
  if (/idempotency-key/.test(code)) return !reads;
  if (code === 'invalid-page-token') return input.has('pageToken');
  if (code === 'unexpected-body') return reads;
  return reads ? !['body-too-large', 'unsupported-media-type'].includes(code) : true;
}
