import type { Figure, Results } from './results.js';

/** One line of the table of targets: a number that is to be at most or at least a bound. */
interface Target {
  what: string;
  /** The number, and the figures it is made of. */
  of: (find: Find) => Measured | undefined;
  atLeast?: number;
  atMost?: number;
  stretch?: number;
}

interface Measured {
  value: number;
  from: Figure[];
}

type Find = (scenario: string, candidate: string, metric: string) => Figure | undefined;

const one =
  (scenario: string, metric: string, candidate = 'Sanmon') =>
  (find: Find): Measured | undefined => {
    const figure = find(scenario, candidate, metric);
    return figure && { value: figure.value, from: [figure] };
  };

type Part = (find: Find) => Measured | undefined;

const combined =
  (a: Part, b: Part, how: (a: number, b: number) => number) =>
  (find: Find): Measured | undefined => {
    const [left, right] = [a(find), b(find)];
    return left && right && { value: how(left.value, right.value), from: [...left.from, ...right.from] };
  };

const ratio = (a: Part, b: Part) => combined(a, b, (x, y) => x / y);
const difference = (a: Part, b: Part) => combined(a, b, (x, y) => x - y);

const accepted = (candidate: string) => one('story', 'accepted/s', candidate);
const completed = (candidate: string) => one('story', 'completed/s', candidate);
const cpu = (candidate: string) => one('story', 'CPU ms/order', candidate);

const TARGETS: Target[] = [
  { what: 'accepted/s over REST, × S', of: ratio(accepted('Sanmon'), accepted('S')), atLeast: 8, stretch: 10 },
  { what: 'accepted/s over REST, × L', of: ratio(accepted('Sanmon'), accepted('L')), atLeast: 0.6, stretch: 0.8 },
  {
    what: 'accepted/s over gRPC, × REST',
    of: ratio(one('accept-grpc', 'accepted/s'), accepted('Sanmon')),
    atLeast: 1,
  },
  { what: 'completed/s, whole story, × S', of: ratio(completed('Sanmon'), completed('S')), atLeast: 3, stretch: 5 },
  { what: 'completed/s, whole story, × S3', of: ratio(completed('Sanmon'), completed('S3')), atLeast: 4 },
  {
    what: 'completed/s, whole story, × L8',
    of: ratio(completed('Sanmon'), completed('L8')),
    atLeast: 0.5,
    stretch: 0.8,
  },
  { what: 'CPU per completed order, × S', of: ratio(cpu('Sanmon'), cpu('S')), atMost: 0.35, stretch: 0.2 },
  {
    what: 'accept p99 in the 5× spike, × its 1× value',
    of: ratio(one('spike', 'p99 ms at 5x'), one('spike', 'p99 ms at 1x')),
    atMost: 5,
    stretch: 2,
  },
  { what: 'accept p99 in the 5× spike, ms', of: one('spike', 'p99 ms at 5x'), atMost: 40 },
  { what: 'refused in the spike', of: one('spike', 'failed'), atMost: 0 },
  { what: 'accept → CONFIRMED at 50/s, p50 ms', of: one('latency', 'p50 ms'), atMost: 40, stretch: 25 },
  { what: 'accept → CONFIRMED at 50/s, p99 ms', of: one('latency', 'p99 ms'), atMost: 120, stretch: 60 },
  {
    what: 'drain: last tenth, × the first',
    of: ratio(one('drain', 'completed/s, last tenth'), one('drain', 'completed/s, first tenth')),
    atLeast: 0.9,
  },
  {
    what: 'drain: memory above idle, MB',
    of: difference(one('drain', 'peak MB'), one('drain', 'idle MB')),
    atMost: 100,
  },
  {
    what: 'CPU per order in a grown database, × an empty one',
    of: ratio(one('growth', 'CPU ms/order, grown'), one('growth', 'CPU ms/order, empty')),
    atMost: 1.15,
    stretch: 1.05,
  },
  {
    what: 'get by id/s over gRPC, × S over REST',
    of: ratio(one('get-grpc', 'answered/s'), one('get-rest', 'answered/s', 'S')),
    atLeast: 5,
  },
  {
    what: 'start to first order, × S',
    of: ratio(one('start', 'first order ms'), one('start', 'first order ms', 'S')),
    atMost: 1.2,
  },
  { what: 'memory at full load, × S', of: ratio(one('story', 'peak MB'), one('story', 'peak MB', 'S')), atMost: 0.8 },
];

/** A target judged. */
export interface Verdict {
  what: string;
  target: string;
  stretch: string;
  measured: string;
  verdict: 'met' | 'stretch met' | 'NOT MET' | 'not called' | 'not measured';
}

/** Holds the figures against the targets. A verdict on a number that is not called is none. */
export function verdicts(results: Results): Verdict[] {
  return TARGETS.map(({ what, of, atLeast, atMost, stretch }) => {
    const measured = of((scenario, candidate, metric) => results.find(scenario, candidate, metric));
    const sign = atLeast === undefined ? '≤' : '≥';
    const bound = (atLeast ?? atMost)!;
    const within = (value: number, limit: number) => (atLeast === undefined ? value <= limit : value >= limit);
    const line = {
      what,
      target: `${sign} ${bound}`,
      stretch: stretch === undefined ? '' : `${sign} ${stretch}`,
      measured: measured ? String(Number(measured.value.toPrecision(3))) : '',
    };
    if (!measured) return { ...line, verdict: 'not measured' as const };
    const met = within(measured.value, bound);
    const better = stretch !== undefined && within(measured.value, stretch);
    if (!measured.from.every((figure) => figure.called)) return { ...line, verdict: 'not called' as const };
    return { ...line, verdict: better ? ('stretch met' as const) : met ? ('met' as const) : ('NOT MET' as const) };
  });
}
