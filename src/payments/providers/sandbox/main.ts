import { parseArgs } from 'node:util';
import { startSandbox } from './server.js';

// The sandbox provider as a process of its own:
//   node dist/payments/providers/sandbox/main.js --database-url=postgres://… [--port=4242] [--host=127.0.0.1]
// Arguments are visible to every user of the machine: keep a password in ~/.pgpass and out of the URL.
const { values } = parseArgs({
  options: { 'database-url': { type: 'string' }, port: { type: 'string', default: '0' }, host: { type: 'string' } },
});
const port = Number(values.port);
if (!values['database-url'] || !Number.isInteger(port) || port < 0 || port > 65535) {
  console.error('usage: --database-url=postgres://… [--port=0…65535] [--host=address]');
  process.exit(78);
}
const sandbox = await startSandbox({
  databaseUrl: values['database-url'],
  port,
  host: values.host,
  warn: console.error,
});
console.log(`sandbox payment provider listens at ${sandbox.url}`);
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void sandbox.close());
