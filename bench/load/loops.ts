import type { Job, JobResult, Phase, PhaseResult, Wire } from './job.js';

const COMPLAINTS = 5;
/** How long answers are waited for after the last question. */
const PATIENCE_MS = 20_000;
/** An open loop looks at the clock this often. */
const TICK_MS = 1;

/** What was seen of one phase while it runs. */
class Tally {
  readonly latencies: number[] = [];
  asked = 0;
  failed = 0;
  readonly began = performance.now();
  ended = this.began;

  result(): PhaseResult {
    const sorted = Float64Array.from(this.latencies).sort();
    const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;
    const { asked, failed } = this;
    const seconds = (this.ended - this.began) / 1_000;
    return { asked, accepted: sorted.length, failed, seconds, p50: at(0.5), p99: at(0.99), max: at(1) };
  }
}

/** Asks over wires and writes down what came of it. */
export class Loops {
  private readonly complaints: string[] = [];
  private readonly placed: [string, number][] = [];
  private underway = 0;

  constructor(
    private readonly job: Job,
    private readonly wires: Wire[],
  ) {}

  async run(): Promise<JobResult> {
    const began = Date.now();
    const phases = this.job.phases ? await this.open(this.job.phases) : [await this.closed()];
    return { began, phases: phases.map((tally) => tally.result()), complaints: this.complaints, placed: this.placed };
  }

  private async closed(): Promise<Tally> {
    const { seconds = Infinity, count = Infinity } = this.job;
    const tally = new Tally();
    const until = tally.began + seconds * 1_000;
    const client = async (wire: Wire): Promise<void> => {
      while (performance.now() < until && tally.asked < count) await this.ask(wire, tally, performance.now());
    };
    await Promise.race([Promise.all(this.wires.map(client)), this.tooLate(seconds)]);
    return tally;
  }

  /** Latencies count from the moment a question was due, so that a server that stalls cannot hide it. */
  private async open(phases: Phase[]): Promise<Tally[]> {
    const free = [...this.wires];
    const due: { at: number; tally: Tally }[] = [];
    const goOn = () => {
      while (due.length > 0 && free.length > 0) {
        const wire = free.pop()!;
        const { at, tally } = due.shift()!;
        void this.ask(wire, tally, at).then(() => {
          free.push(wire);
          goOn();
        });
      }
    };
    const tallies: Tally[] = [];
    for (const { perSecond, seconds } of phases) {
      const tally = new Tally();
      tallies.push(tally);
      const total = Math.round(perSecond * seconds);
      for (let made = 0; made < total;) {
        const at = () => tally.began + (made * 1_000) / perSecond;
        for (; made < total && at() <= performance.now(); made++) due.push({ at: at(), tally });
        goOn();
        await new Promise((resolve) => setTimeout(resolve, TICK_MS));
      }
    }
    const until = performance.now() + PATIENCE_MS;
    while ((due.length > 0 || this.underway > 0) && performance.now() < until)
      await new Promise((resolve) => setTimeout(resolve, 5));
    const last = tallies.at(-1)!;
    last.failed += due.length + this.underway;
    return tallies;
  }

  private ask(wire: Wire, tally: Tally, from: number): Promise<void> {
    tally.asked++;
    this.underway++;
    // By the clock of the day, which PostgreSQL's commit times are in, too; performance.timeOrigin drifts from it.
    const asked = Date.now() - (performance.now() - from);
    return new Promise((resolve) => {
      wire.ask((trouble, body) => {
        this.underway--;
        tally.ended = performance.now();
        if (trouble === undefined) tally.latencies.push(tally.ended - from);
        else this.complain(tally, trouble);
        if (this.job.remember && body && trouble === undefined)
          this.placed.push([(JSON.parse(body()) as { id: string }).id, asked]);
        // A connection that is closed answers at once: without this a client would spin.
        if (trouble === undefined) resolve();
        else setTimeout(resolve, 20);
      });
    });
  }

  private complain(tally: Tally, trouble: string): void {
    tally.failed++;
    if (this.complaints.length < COMPLAINTS) this.complaints.push(trouble);
  }

  private async tooLate(seconds: number): Promise<void> {
    if (!Number.isFinite(seconds)) return new Promise(() => undefined);
    await new Promise((resolve) => setTimeout(resolve, seconds * 1_000 + PATIENCE_MS).unref());
  }
}
