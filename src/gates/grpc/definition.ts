import type { MethodDefinition, ServiceDefinition } from '@grpc/grpc-js';
import { loadSync, type PackageDefinition } from '@grpc/proto-loader';
import { Logger } from '@nestjs/common';
import type protobuf from 'protobufjs';
import { decodeInput, protoCodec } from './codec.js';
import { PROTO_DIRECTORY, protoFiles, schema } from './schema.js';

type ProtoService = Exclude<PackageDefinition[string], { format: string }>;

const logger = new Logger('Gate.gRPC');
let loaded: PackageDefinition | undefined;

/** What grpc-js needs to know of our services: loaded once, converted by our codec. */
export function grpcDefinition(): PackageDefinition {
  if (loaded) return loaded;
  const definition = loadSync(protoFiles(), { includeDirs: [PROTO_DIRECTORY] });
  for (const [name, service] of Object.entries(definition)) {
    if (isOurs(name, service)) convertByCodec(service, schema().lookupService(name));
  }
  return (loaded = definition);
}

/** Our services by full name, e.g. `sanmon.orders.v1.OrdersService`. */
export const grpcServices = (): [name: string, service: ServiceDefinition][] =>
  Object.entries(grpcDefinition()).flatMap(([name, service]) => (isOurs(name, service) ? [[name, service]] : []));

/** One service, to build a client with: `makeClientConstructor(grpcService(name), name)`. It speaks our JSON view. */
export function grpcService(name: string): ServiceDefinition {
  const found = grpcServices().find(([known]) => known === name);
  if (!found) throw new Error(`There is no gRPC service ${name}`);
  return found[1];
}

/** The module a service belongs to: `sanmon.<module>.v1.…`. */
export const moduleOf = (service: string): string => service.split('.')[1] ?? '';

/** Between processes of one house: `sanmon.<module>.internal.v1.…`. */
export const isInternal = (service: string): boolean => service.split('.')[2] === 'internal';

const isOurs = (name: string, entry: PackageDefinition[string]): entry is ProtoService =>
  name.startsWith('sanmon.') && !('format' in entry);

function convertByCodec(service: ServiceDefinition, { methods }: protobuf.Service): void {
  for (const [name, method] of Object.entries(service)) {
    const { resolvedRequestType: asked, resolvedResponseType: answered } = methods[name]!;
    const request = protoCodec(asked!.fullName);
    const response = protoCodec(answered!.fullName);
    Object.assign(method, {
      requestSerialize: request.encode,
      // Never throws for what a caller sent: grpc-js would answer INTERNAL, and admission could not say which field.
      requestDeserialize: (bytes) => decodeInput(request, bytes),
      // What is told to many is encoded once, before it comes here.
      responseSerialize: (answer) => (Buffer.isBuffer(answer) ? answer : logged(() => response.encode(answer))),
      responseDeserialize: response.decode,
    } satisfies Partial<MethodDefinition<object, object>>);
  }
}

/** An answer that does not fit its message is a bug of ours; grpc-js tells the client INTERNAL and tells us nothing. */
function logged<T>(encode: () => T): T {
  try {
    return encode();
  } catch (error) {
    logger.error(error);
    throw error;
  }
}
