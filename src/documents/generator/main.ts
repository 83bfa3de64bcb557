import 'reflect-metadata';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { documents } from './documents.js';

// `npm run docs`: writes what is generated to where it is committed.
const DOCS = join(import.meta.dirname, '../../../docs');
for (const [path, text] of Object.entries(documents())) {
  mkdirSync(dirname(join(DOCS, path)), { recursive: true });
  writeFileSync(join(DOCS, path), text);
  console.log(`docs/${path}`);
}
