import { cpus } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Bench } from './bench.js';
import { CANDIDATES } from './candidates/candidate.js';
import { runAll, SCENARIOS } from './plan.js';
import { print, printJson } from './report/print.js';
import { progress } from './report/progress.js';
import { Results } from './report/results.js';
import { SIZES } from './sizes.js';

const USAGE = `npm run bench [-- --quick | --smoke] [--json] [--only <scenario>,…] [--candidates <id>,…]
  --quick       at most 10 minutes instead of 2 hours
  --smoke       less than a minute, proves that everything runs and nothing else
  --json        one object per line: scenario, candidate, metric, value
  --only        of: ${SCENARIOS.join(', ')}
  --candidates  of: ${CANDIDATES.map(({ id }) => id).join(', ')}`;

function options() {
  const flag = { type: 'boolean', default: false } as const;
  const { values } = parseArgs({
    options: {
      quick: flag,
      smoke: flag,
      json: flag,
      help: flag,
      only: { type: 'string' },
      candidates: { type: 'string' },
    },
  });
  const chosen = (text: string | undefined, all: string[]) => {
    const names = text?.split(',') ?? all;
    const unknown = names.filter((name) => !all.includes(name));
    if (unknown.length > 0) throw new Error(`there is no ${unknown.join(', ')}`);
    return names;
  };
  const ids = chosen(
    values.candidates,
    CANDIDATES.map(({ id }) => id),
  );
  return {
    ...values,
    size: values.smoke ? ('smoke' as const) : values.quick ? ('quick' as const) : ('full' as const),
    scenarios: chosen(values.only, SCENARIOS),
    candidates: CANDIDATES.filter(({ id }) => ids.includes(id)),
  };
}

function optionsOrExit(): ReturnType<typeof options> {
  try {
    const read = options();
    if (!read.help) return read;
    console.log(USAGE);
    process.exit(0);
  } catch (error) {
    console.error(`${(error as Error).message}\n${USAGE}`);
    process.exit(78);
  }
}

const asked = optionsOrExit();
const results = new Results();
progress(`${asked.size}: bringing up PostgreSQL and RabbitMQ`);
const bench = await Bench.open(join(process.cwd(), '.bench/run'), SIZES[asked.size], results);
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => void bench.close().finally(() => process.exit(130)));
try {
  await runAll(bench, asked.candidates, asked.scenarios);
} finally {
  const processor = cpus()[0]?.model ?? 'an unknown processor';
  const head = [
    `${asked.size}, ${new Date().toISOString()}, Node ${process.versions.node}, ${bench.servers.versions}, ${cpus().length} × ${processor}`,
    ...asked.candidates.map(({ id, what }) => `- ${id}: ${what}`),
    '- ✗: in every turn others used more than 0.15 core, so the number is not called. Median (lowest–highest).',
  ];
  if (asked.json) printJson(results);
  else print(results, head);
  await bench.close();
}
