import type { Figure, Results } from './results.js';
import { verdicts } from './targets.js';

/** Everything measured, one table a scenario, then the targets: Markdown, so that it can stand in docs/performance.md. */
export function print(results: Results, head: string[]): void {
  console.log(['', ...head].join('\n'));
  const figures = results.figures();
  for (const scenario of new Set(figures.map((f) => f.scenario)))
    printScenario(
      scenario,
      figures.filter((f) => f.scenario === scenario),
    );
  console.log('\n## Targets\n');
  printTable(
    ['what', 'target', 'stretch', 'measured', 'verdict'],
    verdicts(results).map((v) => [v.what, v.target, v.stretch, v.measured, v.verdict]),
  );
  if (results.notes.length > 0) console.log(`\n${results.notes.map((note) => `- ${note}`).join('\n')}`);
}

/** One object per line: scenario, candidate, metric, value; and how sure it is. */
export function printJson(results: Results): void {
  for (const figure of results.figures()) console.log(JSON.stringify(figure));
  for (const verdict of verdicts(results))
    console.log(
      JSON.stringify({
        scenario: 'targets',
        candidate: 'Sanmon',
        metric: verdict.what,
        value: Number(verdict.measured || NaN),
        ...verdict,
      }),
    );
}

function printScenario(scenario: string, figures: Figure[]): void {
  const candidates = [...new Set(figures.map((f) => f.candidate))];
  const metrics = [...new Set(figures.map((f) => f.metric))];
  console.log(`\n## ${scenario}\n`);
  printTable(
    ['', ...candidates],
    metrics.map((metric) => [
      metric,
      ...candidates.map((candidate) => cell(figures.find((f) => f.candidate === candidate && f.metric === metric))),
    ]),
  );
}

function cell(figure: Figure | undefined): string {
  if (!figure) return '';
  const { value, low, high, turns, called } = figure;
  const spread = turns > 1 ? ` (${short(low)}–${short(high)})` : '';
  return `${short(value)}${spread}${called ? '' : ' ✗'}`;
}

const short = (value: number): string =>
  Math.abs(value) >= 100 ? Math.round(value).toLocaleString('en') : String(Number(value.toPrecision(3)));

function printTable(head: string[], rows: string[][]): void {
  const widths = head.map((title, i) => Math.max(title.length, 3, ...rows.map((row) => row[i]!.length)));
  const line = (cells: string[]) => `| ${cells.map((text, i) => text.padEnd(widths[i]!)).join(' | ')} |`;
  console.log([line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n'));
}
