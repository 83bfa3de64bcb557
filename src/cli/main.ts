#!/usr/bin/env -S node --enable-source-maps
import 'reflect-metadata';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { endAtOnce, onSignals } from '../signals.js';

/** EX_USAGE of sysexits: the words of the command line are not as expected. */
const BAD_USAGE = 64;

/** Answers the exit code; none = it runs on. */
type Run = (words: string[]) => Promise<number | undefined>;

/** Each command in a file of its own, which is loaded when it is asked for. */
const COMMANDS: Record<string, { does: string; run: Run }> = {
  start: {
    does: 'runs the modules of this process until SIGTERM',
    run: async () => {
      await import('../main.js');
      return undefined;
    },
  },
  sandbox: {
    does: 'runs the payment sandbox alone [--port=4242] [--host=127.0.0.1]',
    run: async (words) => (await import('./sandbox.js')).sandbox(words),
  },
  migrate: {
    does: 'brings the schemas of these modules up to date, and ends',
    run: async (words) => (await import('./migrate.js')).migrate(words),
  },
  'migrate status': {
    does: 'says what is applied, pending and unknown; 1 = something is pending or unknown',
    run: async (words) => (await import('./migrate.js')).migrateStatus(words),
  },
  check: {
    does: 'looks at all that the settings name, and changes nothing; 1 = something fails',
    run: async (words) => (await import('./check/check.js')).check(words),
  },
  openapi: {
    does: 'prints the OpenAPI document',
    run: async (words) => (await import('./documents.js')).print('openapi', words),
  },
  asyncapi: {
    does: 'prints the AsyncAPI document',
    run: async (words) => (await import('./documents.js')).print('asyncapi', words),
  },
};

const usage = (): string => `usage: sanmon <command>

${Object.entries(COMMANDS)
  .map(([name, { does }]) => `  ${name.padEnd(16)}${does}`)
  .join('\n')}

Settings come from the environment; docs/settings.md lists them. Exit codes: 0 well, 1 not, 64 wrong words, 78 wrong settings.`;

const version = (): string =>
  (JSON.parse(readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8')) as { version: string }).version;

async function answered(words: string[]): Promise<number | undefined> {
  const [first = '--help', second = ''] = words;
  if (['--help', '-h', 'help'].includes(first)) return (console.log(usage()), 0);
  if (first === '--version') return (console.log(version()), 0);
  const name = [`${first} ${second}`, first].find((one) => Object.hasOwn(COMMANDS, one));
  if (!name) return (console.error(`sanmon: there is no command "${first}"\n\n${usage()}`), BAD_USAGE);
  try {
    return await COMMANDS[name]!.run(words.slice(name.split(' ').length));
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException;
    console.error(`sanmon ${name}: ${message}`);
    return code.startsWith('ERR_PARSE_ARGS') ? BAD_USAGE : 1;
  }
}

onSignals(endAtOnce);
process.exitCode = await answered(process.argv.slice(2));
