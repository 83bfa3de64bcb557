import { readdirSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import protobuf from 'protobufjs';

/** The folder of our .proto files: beside src/ and dist/. */
export const PROTO_DIRECTORY = join(import.meta.dirname, '../../../proto');

/** Every .proto file in a folder, as paths from there. */
export const protoFiles = (directory = PROTO_DIRECTORY): string[] =>
  readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.proto'))
    .sort();

let ours: protobuf.Root | undefined;

/** One of our messages by its full name, field names already as in JSON (camelCase). Parsed at first use. */
export const messageType = (fullName: string): protobuf.Type =>
  (ours ??= schemaOf(PROTO_DIRECTORY)).lookupType(fullName);

/** Everything that the .proto files of a folder define. */
export function schemaOf(directory: string): protobuf.Root {
  const root = new protobuf.Root();
  root.resolvePath = (_origin, target) => (isAbsolute(target) ? target : join(directory, target));
  root.loadSync(protoFiles(directory)).resolveAll();
  return root;
}
