import { Metadata } from '@grpc/grpc-js';
import type { CallHandler, ExecutionContext, NestInterceptor } from '@nestjs/common';
import { ROUTE_ARGS_METADATA } from '@nestjs/common/constants.js';
import type { Request } from 'express';
import { type Observable, tap } from 'rxjs';
import type { Calls, Gate } from './calls.js';
import type { HttpReplies } from './http/replies.js';
import { asFailure } from './failures.js';
import { type OperationClass, operations, type OperationTraits } from './operation.js';

/**
 * Counts the calls of REST and gRPC that reach an operation, admission included. The third gate counts its own sets. It stands
 * around another interceptor and not before it, because each one more in Nest's chain costs every call a promise, an
 * AsyncResource and a mergeAll.
 */
export class CountedCalls implements NestInterceptor {
  private readonly known = new WeakMap<object, OperationTraits | 'none'>();

  constructor(
    private readonly calls: Calls,
    private readonly around: HttpReplies,
  ) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const gate = gateOf(context);
    const operation = gate && this.operationOf(context);
    if (!gate || !operation) return this.around.intercept(context, next);
    const since = operation.streams || prefersToWait(context) ? undefined : performance.now();
    let told = false;
    const tell = (outcome: Parameters<Calls['ended']>[2]): void => {
      if (!told) this.calls.ended(gate, operation.name, outcome, since);
      told = true;
    };
    const refuse = (error: unknown): void => tell(asFailure(error).kind);
    try {
      // The end of a stream that had nothing to say is an answer too.
      return this.around
        .intercept(context, next)
        .pipe(tap({ next: () => tell('ok'), error: refuse, complete: () => tell('ok') }));
    } catch (error) {
      refuse(error);
      throw error;
    }
  }

  private operationOf(context: ExecutionContext): OperationTraits | undefined {
    const method = context.getHandler();
    let found = this.known.get(method);
    if (!found) {
      found = inputOf(context.getClass(), method.name) ?? 'none';
      this.known.set(method, found);
    }
    return found === 'none' ? undefined : found;
  }
}

function gateOf(context: ExecutionContext): Gate | undefined {
  if (context.getType() === 'http') return 'rest';
  return context.getArgByIndex(1) instanceof Metadata ? 'grpc' : undefined;
}

/** What `@Input(type)` of a method was given. */
function inputOf(controller: object, method: string): OperationTraits | undefined {
  const args = (Reflect.getMetadata(ROUTE_ARGS_METADATA, controller, method) ?? {}) as Record<
    string,
    { data?: unknown }
  >;
  for (const { data } of Object.values(args)) {
    const traits = operations().get(data as OperationClass);
    if (traits) return traits;
  }
  return undefined;
}

function prefersToWait(context: ExecutionContext): boolean {
  if (context.getType() === 'http') return context.getArgByIndex<Request>(0).headers['prefer'] !== undefined;
  return context.getArgByIndex<Metadata>(1).get('prefer').length > 0;
}
