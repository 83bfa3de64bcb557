import { type ServerInterceptingCall, type ServerInterceptor, status } from '@grpc/grpc-js';
import { invalid } from '../../failure.js';
import { grpcStatus } from './status.js';

const HEADER = 'grpc-timeout';
const MESSAGE = 'must be at most eight digits and one of H, M, S, m, u, n';

type Said = Parameters<ServerInterceptingCall['sendStatus']>[0];

/**
 * A `grpc-timeout` that cannot be read is its caller's mistake and refused as such; grpc-js says INTERNAL, before anything of
 * ours sees the call. So that is told apart on its way out, by the words of grpc-js; a test fails when they change.
 */
export const refuseUnreadableTimeouts: ServerInterceptor = (_method, call) => {
  const send = call.sendStatus.bind(call);
  call.sendStatus = (said) => send(isUnreadable(said) ? unreadable() : said);
  // The call itself and no wrapper around it: every call comes by here.
  return call as ServerInterceptingCall;
};

const isUnreadable = ({ code, details }: Said): boolean =>
  code === status.INTERNAL && details.startsWith(`Invalid ${HEADER} value`);

const unreadable = (): Said => grpcStatus(invalid([{ field: HEADER, message: MESSAGE }]));
