import { Metadata, type ServerUnaryCall } from '@grpc/grpc-js';
import { Injectable, type CallHandler, type ExecutionContext, type NestInterceptor } from '@nestjs/common';
import { map, type Observable } from 'rxjs';
import { Failure } from '../../failure.js';
import type { Answer } from '../asked.js';
import { asReplayed } from './status.js';

/** Makes a controller's Answer the gRPC response: the result, or the Failure thrown, marked when it is given again. */
@Injectable()
export class GrpcReplies implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    if (context.getType() !== 'rpc') return next.handle();
    const call = context.getArgByIndex<ServerUnaryCall<unknown, unknown>>(2);
    return next.handle().pipe(map((value: unknown) => (isAnswer(value) ? reply(value, call) : value)));
  }
}

/** Streams answer other things than Answers, and these pass. */
const isAnswer = (value: unknown): value is Answer<unknown> =>
  typeof value === 'object' && value !== null && 'outcome' in value && 'replayed' in value;

function reply({ outcome, replayed, applied }: Answer<unknown>, call: ServerUnaryCall<unknown, unknown>): unknown {
  if (outcome instanceof Failure) throw replayed ? asReplayed(outcome) : outcome;
  if (!replayed && applied === undefined) return outcome;
  const metadata = new Metadata();
  if (replayed) metadata.set('idempotent-replayed', 'true');
  if (applied !== undefined) metadata.set('preference-applied', applied);
  call.sendMetadata(metadata);
  return outcome;
}
