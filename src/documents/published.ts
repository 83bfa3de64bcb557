import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { PROTO_DIRECTORY, protoFiles } from '../gates/grpc/schema.js';

/** What `npm run docs` wrote: beside `src/` and `dist/`, like `proto/`. */
const CONTRACTS = join(import.meta.dirname, '../../docs/contracts');

const kept = new Map<string, Buffer>();

/** A file, read once, when somebody first asks for it: these change with a release only. */
function keep(path: string): Buffer {
  const content = kept.get(path) ?? readFileSync(path);
  kept.set(path, content);
  return content;
}

/** A generated document. */
export const contract = (name: 'openapi' | 'asyncapi' | 'errors'): Buffer => keep(join(CONTRACTS, `${name}.json`));

/** A file of the reference page, out of its package: nothing is fetched from anywhere else. */
export const asset = (name: 'swagger-ui.css' | 'swagger-ui-bundle.js' | 'favicon-32x32.png'): Buffer =>
  keep(join(dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json')), name));

/** A .proto file by its path under `proto/`; undefined when there is none of this name. */
export const proto = (path: string): Buffer | undefined =>
  protoFiles().includes(path) ? keep(join(PROTO_DIRECTORY, path)) : undefined;

export { protoFiles };
