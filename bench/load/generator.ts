import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';
import type { Job, JobResult } from './job.js';
import type { WatchJob, WatchResult } from './watchers.js';

interface Answer {
  result?: unknown;
  error?: string;
}

/** The load generator's process, seen from the bench. One job at a time. */
export class LoadGenerator {
  private answered: (answer: Answer) => void = () => undefined;

  private constructor(private readonly child: ChildProcess) {
    child.on('message', (answer) => this.answered(answer as Answer));
    child.on('exit', () => this.answered({ error: 'the load generator has ended' }));
  }

  static async start(): Promise<LoadGenerator> {
    const child = fork(join(import.meta.dirname, 'main.js'), { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    const generator = new LoadGenerator(child);
    await generator.answer();
    return generator;
  }

  get pid(): number {
    return this.child.pid!;
  }

  run(job: Job): Promise<JobResult> {
    return this.ask<JobResult>({ job });
  }

  watch(watch: WatchJob): Promise<WatchResult> {
    return this.ask<WatchResult>({ watch });
  }

  stop(): void {
    if (this.child.connected) this.child.disconnect();
  }

  private async ask<T>(asked: object): Promise<T> {
    const answer = this.answer();
    this.child.send(asked);
    return (await answer) as T;
  }

  private answer(): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.answered = ({ result, error }) => {
        this.answered = () => undefined;
        if (error) reject(new Error(error));
        else resolve(result);
      };
    });
  }
}
