import protobuf from 'protobufjs';
import { schema } from '../../gates/grpc/schema.js';
import type { Surface } from './surface.js';

/** The rpc of an operation, as the .proto files describe it. */
export function rpcOf({ traits, grpc }: Surface): protobuf.Method {
  const [way] = grpc;
  if (!way) throw new Error(`${traits.name} has no rpc, so nothing says what it answers`);
  const [module] = traits.name.split('.');
  return schema().lookupService(`sanmon.${module}.v1.${way.service}`).methods[way.rpc]!.resolve() as protobuf.Method;
}

/** The request message of an operation. */
export const requestType = (of: Surface): protobuf.Type => rpcOf(of).resolvedRequestType!;

/** The response message of an operation. */
export const responseType = (of: Surface): protobuf.Type => rpcOf(of).resolvedResponseType!;

/** What its comment says, in the first sentence and in the rest; a scope is said elsewhere. */
export function saidOf(of: Surface): { summary: string; description?: string } {
  const comment = (rpcOf(of).comment ?? of.type.name).replace(/\s+/g, ' ').replace(/ ?Scope [a-z:]+\./, '');
  const [, summary, description] = /^(.*?)\.(?: (.*))?$/.exec(comment.trim()) ?? [, comment.trim()];
  return { summary: summary, ...(description && { description }) };
}
