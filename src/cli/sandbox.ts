import { parseArgs } from 'node:util';
import { settingsOrExit } from '../config/settings-or-exit.js';
import { databaseUrlOf } from '../config/settings.js';
import { startSandbox } from '../payments/providers/sandbox/server.js';
import { endAtOnce, onSignals } from '../signals.js';

/** `sanmon sandbox`: the simulated payment provider as a process of its own, with its ledger in the database of payments. */
export async function sandbox(words: string[]): Promise<number | undefined> {
  const { values } = parseArgs({ args: words, options: { port: { type: 'string' }, host: { type: 'string' } } });
  const port = Number(values.port ?? 4242);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) throw new Error('--port: expected 0 to 65535');
  const databaseUrl = databaseUrlOf(settingsOrExit(), 'payments');
  if (!databaseUrl) throw new Error('it keeps its ledger in PostgreSQL: set PAYMENTS_DATABASE_URL or DATABASE_URL');
  const running = await startSandbox({ databaseUrl, port, host: values.host, warn: console.error });
  console.log(`sandbox payment provider listens at ${running.url}`);
  onSignals(() => {
    onSignals(endAtOnce);
    void running.close();
  });
  return undefined;
}
