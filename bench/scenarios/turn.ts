import type { Running } from '../candidates/running.js';
import type { LoadGenerator } from '../load/generator.js';
import type { Gate, Job, JobResult } from '../load/job.js';
import type { Meter, Usage } from '../machine/meter.js';
import { progress } from '../report/progress.js';
import type { Results } from '../report/results.js';
import { CLIENTS, type Sizes } from '../sizes.js';

/** One candidate's turn: it runs alone on a fresh copy of its database, and scenario after scenario asks it. */
export class Turn {
  /** Accepted orders a second over REST, once a scenario has measured it. */
  capacity?: number;

  constructor(
    readonly running: Running,
    readonly load: LoadGenerator,
    readonly meter: Meter,
    readonly sizes: Sizes,
    private readonly results: Results,
  ) {}

  get id(): string {
    return this.running.candidate.id;
  }

  /** Writes numbers down, with the noise they were taken in. */
  record(scenario: string, metrics: Record<string, number>, { noiseCores }: Pick<Usage, 'noiseCores'>): void {
    for (const [metric, value] of Object.entries(metrics))
      this.results.add({ scenario, candidate: this.id, metric, value, noiseCores });
    const said = Object.entries(metrics).map(([metric, value]) => `${metric} ${Number(value.toPrecision(3))}`);
    const noise = noiseCores > 0.15 ? `  [not called: others used ${noiseCores.toFixed(2)} core]` : '';
    progress(`${this.id}, ${scenario}: ${said.join(', ')}${noise}`);
  }

  note(text: string): void {
    if (!this.results.notes.includes(text)) this.results.notes.push(text);
    progress(text);
  }

  /** A closed loop through a gate. */
  closed(gate: Gate, how: Pick<Job, 'seconds' | 'count' | 'ids'>): Promise<JobResult> {
    return this.ask({ gate, target: this.running.target, clients: CLIENTS, ...how });
  }

  /** A closed loop that places orders, and the wait until they and all before have ended. */
  async placeAndSettle(gate: Gate, how: Pick<Job, 'seconds' | 'count'>): Promise<JobResult> {
    const before = await this.running.ended();
    const result = await this.closed(gate, how);
    await this.running.settle(before + accepted(result));
    return result;
  }

  async ask(job: Job): Promise<JobResult> {
    const result = await this.load.run(job);
    const failed = result.phases.reduce((sum, phase) => sum + phase.failed, 0);
    if (failed > 0)
      progress(`${this.id}: ${failed} failed, for example ${result.complaints[0] ?? 'without an answer'}`);
    return result;
  }

  /** Measures what happens meanwhile. */
  async metered<T>(work: () => Promise<T>): Promise<{ result: T; usage: Usage }> {
    const close = this.meter.open();
    const result = await work();
    return { result, usage: close() };
  }
}

export const accepted = ({ phases }: JobResult): number => phases.reduce((sum, phase) => sum + phase.accepted, 0);

/** CPU milliseconds for each of so many orders, in parts; the load generator is no cost of an order and told apart. */
export function costs(usage: Usage, orders: number): Record<string, number> {
  const each = (seconds: number) => (seconds * 1_000) / orders;
  return {
    'CPU ms/order': each(usage.app + usage.database + usage.broker),
    'of app': each(usage.app),
    'of database': each(usage.database),
    'of broker': each(usage.broker),
    'beside: load generator': each(usage.load),
  };
}
