import { NOISE_LIMIT_CORES } from '../machine/meter.js';

/** One measured number of one turn. */
export interface Sample {
  scenario: string;
  candidate: string;
  metric: string;
  value: number;
  /** Cores that others used meanwhile. */
  noiseCores: number;
}

/** What all turns together say of one metric. */
export interface Figure {
  scenario: string;
  candidate: string;
  metric: string;
  /** The median of the turns that are called; of all when none is. */
  value: number;
  low: number;
  high: number;
  turns: number;
  /** False: in every turn others used more than 0.15 core, so this number proves nothing. */
  called: boolean;
}

/** Collects samples and makes figures of them. */
export class Results {
  private readonly samples: Sample[] = [];
  /** Scenarios that could not be run, and why. */
  readonly notes: string[] = [];

  add(sample: Sample): void {
    // A number that could not be had (nothing was answered) is no figure.
    if (Number.isFinite(sample.value)) this.samples.push(sample);
  }

  figures(): Figure[] {
    const groups = new Map<string, Sample[]>();
    for (const sample of this.samples) {
      const name = `${sample.scenario}\n${sample.candidate}\n${sample.metric}`;
      groups.set(name, [...(groups.get(name) ?? []), sample]);
    }
    return [...groups.values()].map(figureOf);
  }

  find(scenario: string, candidate: string, metric: string): Figure | undefined {
    return this.figures().find((f) => f.scenario === scenario && f.candidate === candidate && f.metric === metric);
  }
}

function figureOf(samples: Sample[]): Figure {
  const calm = samples.filter((sample) => sample.noiseCores <= NOISE_LIMIT_CORES);
  const used = (calm.length > 0 ? calm : samples).map((sample) => sample.value).sort((a, b) => a - b);
  const { scenario, candidate, metric } = samples[0]!;
  const half = Math.floor(used.length / 2);
  const value = used.length % 2 === 1 ? used[half]! : (used[half - 1]! + used[half]!) / 2;
  return {
    scenario,
    candidate,
    metric,
    value,
    low: used[0]!,
    high: used.at(-1)!,
    turns: used.length,
    called: calm.length > 0,
  };
}
