// Prints what the official parser of AsyncAPI finds wrong with a document, one line each.
import { readFileSync } from 'node:fs';
import { Parser } from '@asyncapi/parser';

const { document, diagnostics } = await new Parser().parse(readFileSync(process.argv[2], 'utf8'));
if (!document) console.log('no document');
// The parser recommends the newest version of the specification, whichever is used.
for (const { code, message, path } of diagnostics)
  if (code !== 'asyncapi-latest-version') console.log(`${code}: ${message} (${path.join('/')})`);
