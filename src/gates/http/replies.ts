import { Injectable, SetMetadata, type CallHandler, type ExecutionContext, type NestInterceptor } from '@nestjs/common';
import { SSE_METADATA } from '@nestjs/common/internal';
import type { Request, Response } from 'express';
import { map, type Observable } from 'rxjs';
import { Failure } from '../../failure.js';
import type { Answer } from '../asked.js';
import { accepts } from './accept.js';

/** What a method's success looks like over HTTP, beyond Nest's own default status. */
export interface ReplyTraits<R> {
  status?: number | { of: (result: R) => number; oneOf: number[] };
  /** Path of what was made, for `Location`. */
  location?: (result: R) => string;
  /** A strong validator without its quotes, e.g. the version; answers `If-None-Match` too. */
  etag?: (result: R) => string | number;
  /** Whether it follows `Prefer: wait`; for documents, the method itself does the waiting. */
  waits?: true;
  /** The media type it answers with; JSON when left out. Clients who exclude it get 406. */
  type?: string;
}

const REPLIES = Symbol('replies');

/** Describes how the `Answer` of a method is sent. */
export const Replies = <R>(traits: ReplyTraits<R>): MethodDecorator => SetMetadata(REPLIES, traits);

/** What a method says of its answers; empty when nothing is said. */
export const repliesOf = (method: object): ReplyTraits<unknown> =>
  (Reflect.getMetadata(REPLIES, method) as ReplyTraits<unknown> | undefined) ?? {};

/** Sends what use cases answered: refusals are thrown, replays marked, results sent with their headers. */
@Injectable()
export class HttpReplies implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    if (context.getType() !== 'http') return next.handle();
    const request = context.switchToHttp().getRequest<Request>();
    const response = context.switchToHttp().getResponse<Response>();
    const handler = context.getHandler();
    const traits: ReplyTraits<unknown> = repliesOf(handler);
    const type = traits.type ?? (Reflect.hasMetadata(SSE_METADATA, handler) ? 'text/event-stream' : 'application/json');
    if (!accepts(request.headers.accept, type)) {
      throw new Failure('invalid', 'not-acceptable', `This answers with ${type} only.`);
    }
    return next
      .handle()
      .pipe(map((value: unknown) => (isAnswer(value) ? reply(value, traits, request, response) : value)));
  }
}

const isAnswer = (value: unknown): value is Answer<unknown> =>
  typeof value === 'object' && value !== null && 'outcome' in value && 'replayed' in value;

function reply(
  { outcome, replayed, applied }: Answer<unknown>,
  traits: ReplyTraits<unknown>,
  request: Request,
  response: Response,
) {
  // Before the throw: the filter leaves the headers it finds, and a refusal can be a replay too.
  if (replayed) response.setHeader('Idempotent-Replayed', 'true');
  if (outcome instanceof Failure) throw outcome;
  if (applied !== undefined) response.setHeader('Preference-Applied', applied);
  const { status, location, etag } = traits;
  if (status) response.status(typeof status === 'number' ? status : status.of(outcome));
  if (location) response.setHeader('Location', location(outcome));
  if (!etag) return outcome;
  const tag = `"${etag(outcome)}"`;
  response.setHeader('ETag', tag);
  const reads = request.method === 'GET' || request.method === 'HEAD';
  if (!reads || !matches(request.headers['if-none-match'], tag)) return outcome;
  response.status(304);
  return undefined;
}

/** RFC 9110, 13.1.2: weak comparison, `*` matches whatever is there. */
const matches = (header: string | undefined, tag: string): boolean =>
  header !== undefined &&
  (header.trim() === '*' || header.split(',').some((one) => one.trim().replace(/^W\//, '') === tag));
