import protobuf from 'protobufjs';
import { getMetadataStorage } from 'class-validator';
import { isGiven, ruleOf } from '../../src/gates/field.js';
import { schema } from '../../src/gates/grpc/schema.js';
import type { OperationClass } from '../../src/gates/operation.js';
import { TrackOrders } from '../../src/orders/live/track-orders.js';
import { requestType } from '../support/caller.js';
import { surface } from '../../src/documents/generator/surface.js';

const all = surface();

/** The fields of a class as its rules see them: `name`, `name?`, `name[]`, with what a list holds. */
function fieldsOf(type: OperationClass): Record<string, unknown> {
  const found = getMetadataStorage().getTargetValidationMetadatas(type, '', false, false);
  const optional = new Set(
    found.filter((one) => one.constraints?.[0] === isGiven).map(({ propertyName }) => propertyName),
  );
  const names = [...new Set(found.map(({ propertyName }) => propertyName))].sort();
  return Object.fromEntries(
    names.map((name) => {
      const { schema, of } = ruleOf(type, name)!;
      const inner = of && fieldsOf(of());
      return [
        optional.has(name) ? `${name}?` : name,
        inner && schema.type === 'array' ? [inner] : (inner ?? kindOf(schema.type)),
      ];
    }),
  );
}

const kindOf = (type: string): string => (type === 'integer' ? 'int64' : type === 'boolean' ? 'bool' : type);

/** The fields of a Protobuf message in the same form; an enum is a text to everybody but the wire. */
function membersOf(type: protobuf.Type): Record<string, unknown> {
  const members = [...type.fieldsArray].sort((a, b) => (a.name < b.name ? -1 : 1));
  return Object.fromEntries(
    members.map((field) => {
      const { resolvedType, name } = field.resolve();
      const kind =
        resolvedType instanceof protobuf.Enum
          ? 'string'
          : resolvedType?.fullName === '.google.protobuf.Struct'
            ? 'object'
            : resolvedType
              ? membersOf(resolvedType)
              : field.type;
      return [field.partOf ? `${name}?` : name, field.repeated ? [kind] : kind];
    }),
  );
}

const services = (space: protobuf.NamespaceBase): protobuf.Service[] =>
  space.nestedArray.flatMap((child) =>
    child instanceof protobuf.Service ? [child] : child instanceof protobuf.Namespace ? services(child) : [],
  );

/** The repair desk is named after what lies on it, and one scope opens all of it (docs/contract.md). */
const serviceOf = (module: string): string => (module === 'ops' ? 'messagesservice' : `${module}service`);
const scopeOf = (module: string, kind: string): string =>
  module === 'ops' ? 'ops' : `${module}:${kind === 'query' ? 'read' : 'write'}`;

describe.each(all.map((one) => [one.traits.name, one] as const))('the operation %s', (name, operation) => {
  it('is reached by one REST route and one rpc, of its own module and name', () => {
    expect(operation.rest).toHaveLength(1);
    expect(operation.rest[0]!.path).toMatch(/^\/v1\//);
    expect(operation.grpc).toHaveLength(1);
    expect(operation.grpc[0]!.rpc).toBe(operation.type.name);
    expect(operation.grpc[0]!.service.toLowerCase()).toBe(serviceOf(name.split('.')[0]!));
  });

  it('has the same fields in Protobuf as in its class, the same ones optional', () => {
    expect(membersOf(requestType(operation))).toEqual(fieldsOf(operation.type));
  });

  it('is read with GET if it is a query, never if it is a command', () => {
    expect(operation.rest[0]!.method === 'GET').toBe(operation.traits.kind === 'query');
    expect(operation.traits.scope).toBe(scopeOf(name.split('.')[0]!, operation.traits.kind));
  });
});

it('has the same fields in TrackRequest as a WebSocket takes', () => {
  const members = Object.keys(membersOf(schema().lookupType('sanmon.orders.v1.TrackRequest')));
  const fields = Object.keys(fieldsOf(TrackOrders));
  // Lists need no `optional` in Protobuf.
  expect(members.map((name) => name.replace('?', ''))).toEqual(fields.map((name) => name.replace('?', '')));
});

it('answers every rpc of the .proto files', () => {
  const published = services(schema().lookup('sanmon') as protobuf.Namespace).flatMap((service) =>
    service.methodsArray.map((method) => `${service.name}.${method.name}`),
  );
  const answered = all.flatMap(({ grpc }) => grpc.map(({ service, rpc }) => `${service}.${rpc}`));
  // Its requests are messages on a stream: no operation of one call, and over HTTP a WebSocket.
  answered.push('OrdersService.TrackOrders');
  // Between processes of one house: no operation of clients.
  answered.push('QuotesService.QuoteItems');
  expect(answered.sort()).toEqual(published.sort());
});

it('takes every operation from RabbitMQ too, except streams: a reply is one message', () => {
  expect(all.filter(({ amqp, traits }) => !amqp && !traits.streams).map(({ traits }) => traits.name)).toEqual([]);
});
