import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const SRC = join(import.meta.dirname, '../../src');

interface Source {
  path: string;
  lines: number;
  /** Without comments, so that one may write about what one must not do. */
  code: string;
}

const sources: Source[] = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.ts') && !path.endsWith('.spec.ts'))
  .map((path) => {
    const text = readFileSync(join(SRC, path), 'utf8');
    const code = text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '');
    return { path, lines: text.split('\n').length - 1, code };
  });

const holding = (pattern: RegExp): string[] => sources.filter(({ code }) => pattern.test(code)).map(({ path }) => path);

it('reads the environment in one file', () => {
  expect(holding(/process\s*\.\s*env\b|process\s*\[\s*['"]env/)).toEqual(['config/read-settings.ts']);
});

it('speaks AMQP in one file, on raw channels', () => {
  expect(holding(/^import (?!type).* from 'amqp/m)).toEqual(['messaging/broker/broker.ts']);
  expect(holding(/ChannelWrapper|createChannel\(\{/)).toEqual([]);
});

it('loads nothing of OpenTelemetry unless traces are configured', () => {
  expect(holding(/^import (?!type).*@opentelemetry/m)).toEqual([]);
  expect(holding(/import\('@opentelemetry/)).toEqual(['house-traces.ts']);
});

it('has no folder or file with a name that says nothing', () => {
  const names = sources
    .map(({ path }) => path)
    .filter((path) => /(^|[/.-])(utils?|common|helpers?|managers?|base)[/.-]/i.test(path));
  expect(names).toEqual([]);
});

it('stays readable: half of its files are short, and none is longer than 250 lines', () => {
  const lengths = sources.map(({ lines }) => lines).sort((a, b) => a - b);
  const median = lengths[Math.floor(lengths.length / 2)]!;
  const p95 = lengths[Math.floor(lengths.length * 0.95)]!;
  expect({ median: median <= 60, p95: p95 < 200 }).toEqual({ median: true, p95: true });
  expect(sources.filter(({ lines }) => lines > 250).map(({ path, lines }) => `${path}: ${lines}`)).toEqual([]);
  console.info(`${lengths.length} files, median ${median} lines, 95 % under ${p95}, longest ${lengths.at(-1)}`);
});
