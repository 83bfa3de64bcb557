import { ReflectionService } from '@grpc/reflection';
import type { Server } from '@grpc/grpc-js';
import type { PackageDefinition } from '@grpc/proto-loader';
import protobuf from 'protobufjs';
import descriptor from 'protobufjs/ext/descriptor/index.js';
import { protoFiles, schemaOf } from './schema.js';
import { GOOGLE_FILES } from './reflection.google.js';

const { FileDescriptorProto } = descriptor;

// FieldDescriptorProto.Type and .Label of google/protobuf/descriptor.proto.
const SCALARS: Readonly<Record<string, number>> = { int64: 3, bool: 8, string: 9 };
const MESSAGE = 11;
const ENUM = 14;
const OPTIONAL = 1;
const REPEATED = 3;

/** Lets clients without our .proto files list and call these services (grpc.reflection v1 and v1alpha). */
export function addReflection(server: Server, services: string[]): void {
  // Only the descriptors are looked at.
  const files = { files: { fileDescriptorProtos: describedFiles() } } as unknown as PackageDefinition;
  new ReflectionService(files, { services }).addToServer(server);
}

/**
 * Our files as descriptors. Written here, because those of protobufjs and proto-loader have invented file names, no
 * imports, relative type names and `optional` fields that are not: buf refuses them.
 */
export function describedFiles(): Buffer[] {
  const root = schemaOf({ keepCase: true });
  return [...GOOGLE_FILES, ...protoFiles().map((name) => describeFile(name, root))].map((file) =>
    Buffer.from(FileDescriptorProto.encode(FileDescriptorProto.fromObject(file)).finish()),
  );
}

function describeFile(name: string, root: protobuf.Root) {
  const space = root.lookup(name.split('/').slice(0, -1).join('.')) as protobuf.Namespace;
  const members = space.nestedArray.filter((member) => member.filename?.endsWith(name));
  const types = members.filter((member) => member instanceof protobuf.Type);
  const services = members.filter((member) => member instanceof protobuf.Service);
  return {
    name,
    package: space.fullName.slice(1),
    syntax: 'proto3',
    dependency: [...new Set(types.flatMap(importsOf))].filter((file) => file !== name),
    messageType: types.map(describeType),
    service: services.map(describeService),
  };
}

/** The files that a type's fields need. */
function importsOf(type: protobuf.Type): string[] {
  const needed = type.fieldsArray.flatMap(({ resolvedType }) => {
    if (resolvedType?.fullName.startsWith('.google.protobuf.')) {
      return [`google/protobuf/${resolvedType.name.toLowerCase()}.proto`];
    }
    return protoFiles().filter((file) => resolvedType?.filename?.endsWith(file));
  });
  return [...needed, ...nestedTypes(type).flatMap(importsOf)];
}

const nestedTypes = (type: protobuf.Type) => type.nestedArray.filter((member) => member instanceof protobuf.Type);

function describeType(type: protobuf.Type): object {
  const optionals = type.fieldsArray.filter((field) => field.partOf !== null);
  return {
    name: type.name,
    field: type.fieldsArray.map((field) => describeField(field, optionals.indexOf(field))),
    nestedType: nestedTypes(type).map(describeType),
    enumType: type.nestedArray.filter((member) => member instanceof protobuf.Enum).map(describeEnum),
    oneofDecl: optionals.map((field) => ({ name: `_${field.name}` })),
  };
}

function describeField(field: protobuf.Field, optional: number): object {
  const { name, id, resolvedType } = field;
  return {
    name,
    number: id,
    label: field.repeated ? REPEATED : OPTIONAL,
    type: resolvedType ? (resolvedType instanceof protobuf.Enum ? ENUM : MESSAGE) : SCALARS[field.type],
    jsonName: protobuf.util.camelCase(name),
    ...(resolvedType && { typeName: resolvedType.fullName }),
    ...(optional >= 0 && { proto3Optional: true, oneofIndex: optional }),
  };
}

const describeEnum = ({ name, values }: protobuf.Enum): object => ({
  name,
  value: Object.entries(values).map(([value, number]) => ({ name: value, number })),
});

const describeService = ({ name, methodsArray }: protobuf.Service): object => ({
  name,
  method: methodsArray.map((method) => ({
    name: method.name,
    inputType: method.resolvedRequestType!.fullName,
    outputType: method.resolvedResponseType!.fullName,
    clientStreaming: !!method.requestStream,
    serverStreaming: !!method.responseStream,
  })),
});
