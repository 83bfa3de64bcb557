import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';

const main = join(import.meta.dirname, '../../../dist/payments/providers/sandbox/main.js');

/** The payment provider as a process of its own: no kill of the house reaches it or its ledger. */
export class ProviderProcess {
  private constructor(
    private readonly child: ChildProcess,
    readonly url: string,
  ) {}

  static async start(databaseUrl: string): Promise<ProviderProcess> {
    const child = spawn(process.execPath, [main, `--database-url=${databaseUrl}`, '--host=127.0.0.1'], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const url = await new Promise<string>((resolve, reject) => {
      let said = '';
      child.stdout.on('data', (text: Buffer) => {
        const found = /listens at (\S+)/.exec((said += text.toString()));
        if (found) resolve(found[1]!);
      });
      child.once('exit', (code) => reject(new Error(`the provider ended with ${code}`)));
    });
    return new ProviderProcess(child, url);
  }

  stop(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return Promise.resolve();
    return new Promise((resolve) => {
      this.child.once('exit', () => resolve());
      this.child.kill('SIGTERM');
    });
  }
}
