import { parseArgs } from 'node:util';
import { contract } from '../documents/published.js';

/** `sanmon openapi`, `sanmon asyncapi`: the document as it is published, on standard output. */
export async function print(name: 'openapi' | 'asyncapi', words: string[]): Promise<number> {
  parseArgs({ args: words });
  process.stdout.write(contract(name));
  return 0;
}
