import { readdirSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import protobuf from 'protobufjs';

/** The folder of our .proto files: beside src/ and dist/. */
export const PROTO_DIRECTORY = join(import.meta.dirname, '../../../proto');

/** Every .proto file we publish, as paths under that folder. */
export const protoFiles = (): string[] =>
  readdirSync(PROTO_DIRECTORY, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.proto'))
    .sort();

let loaded: protobuf.Root | undefined;

/** Everything the files define, with field names as in JSON (camelCase). Parsed at first use: 20 ms. */
export const schema = (): protobuf.Root => (loaded ??= schemaOf({ keepCase: false }));

/** The same, parsed anew; `keepCase` leaves the names of fields as they are written. Comments stay, for documents. */
export function schemaOf({ keepCase }: { keepCase: boolean }): protobuf.Root {
  const root = new protobuf.Root();
  root.resolvePath = (_origin, target) => (isAbsolute(target) ? target : join(PROTO_DIRECTORY, target));
  root.loadSync(protoFiles(), { keepCase, alternateCommentMode: true }).resolveAll();
  return root;
}
