import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

const ROOT = join(import.meta.dirname, '../..');
const CONFIG = '.dependency-cruiser.cjs';
const rules = (createRequire(__filename)(join(ROOT, CONFIG)) as { forbidden: { name: string }[] }).forbidden.map(
  ({ name }) => name,
);

/** What dependency-cruiser reports of `src` under a directory, as `rule: from -> to`. */
function cruise(directory: string): Promise<{ violations: string[]; modules: number }> {
  const program = join(ROOT, 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs');
  const options = { cwd: directory, maxBuffer: 64 * 1024 * 1024 };
  return new Promise((resolve, reject) =>
    execFile(process.execPath, [program, 'src', '--config', CONFIG, '-T', 'json'], options, (error, output) => {
      // A cruise that found violations ends with their number.
      if (!output) return reject(error ?? new Error('dependency-cruiser said nothing'));
      const { summary } = JSON.parse(output) as {
        summary: { totalCruised: number; violations: { rule: { name: string }; from: string; to: string }[] };
      };
      const violations = summary.violations.map(({ rule, from, to }) => `${rule.name}: ${from} -> ${to}`);
      resolve({ violations, modules: summary.totalCruised });
    }),
  );
}

/** For each rule one import that it must not let pass: the file that imports, and what. */
const FORBIDDEN: Record<string, [from: string, to: string][]> = {
  'no-circles': [
    ['src/messaging/circle-a.ts', './circle-b.js'],
    ['src/messaging/circle-b.ts', './circle-a.js'],
  ],
  'failure-imports-nothing-above-it': [['src/failure.ts', './config/settings.js']],
  'config-imports-nothing-above-it': [['src/config/upwards.ts', '../database/database.js']],
  'database-imports-nothing-above-it': [['src/database/upwards.ts', '../access/access.js']],
  'access-imports-nothing-above-it': [['src/access/upwards.ts', '../messaging/outbox/outbox.js']],
  'messaging-imports-nothing-above-it': [['src/messaging/upwards.ts', '../gates/admit.js']],
  'gates-imports-nothing-above-it': [['src/gates/upwards.ts', '../orders/index.js']],
  'through-the-front-door': [['src/notifications/back-door.ts', '../orders/order.js']],
  'payments-and-inventory-know-nobody': [['src/payments/curious.ts', '../inventory/index.js']],
  'orders-knows-not-notifications': [['src/orders/curious.ts', '../notifications/index.js']],
  'ops-knows-no-module': [['src/ops/curious.ts', '../orders/index.js']],
  'modules-know-not-ops': [['src/inventory/repairer.ts', '../ops/index.js']],
  'nobody-knows-the-command-line': [['src/foundations.ts', './cli/main.js']],
  'aggregates-are-pure': [['src/orders/order.ts', '../messaging/outbox/outbox.js']],
  'one-file-speaks-amqp': [['src/gates/amqp/second-speaker.ts', 'amqplib']],
  'controllers-do-not-touch-tables': [['src/orders/orders.http.controller.ts', './orders.repository.js']],
  'no-test-code-in-the-product': [['src/gates/tested.ts', '../../test/support/house.js']],
};

/** Imports that look alike and are allowed. */
const ALLOWED: [from: string, to: string][] = [
  ['src/notifications/front-door.ts', '../orders/index.js'],
  ['src/messaging/broker/broker.ts', 'amqplib'],
  ['src/orders/repository-user.ts', './orders.repository.js'],
  ['src/house.ts', './gates/admit.js'],
];

const targets = [
  ...['src/config/settings.ts', 'src/database/database.ts', 'src/access/access.ts', 'src/messaging/outbox/outbox.ts'],
  ...['src/gates/admit.ts', 'src/orders/index.ts', 'src/inventory/index.ts', 'src/notifications/index.ts'],
  ...['src/ops/index.ts', 'src/cli/main.ts'],
  ...['src/orders/orders.repository.ts', 'test/support/house.ts'],
];

/** A house of stubs that breaks every rule once. */
function plant(directory: string): void {
  const put = (file: string, content: string): void => {
    mkdirSync(dirname(join(directory, file)), { recursive: true });
    writeFileSync(join(directory, file), content);
  };
  for (const file of [CONFIG, 'tsconfig.json']) cpSync(join(ROOT, file), join(directory, file));
  put('package.json', '{ "type": "module", "dependencies": { "amqplib": "1.0.0" } }');
  put('node_modules/amqplib/package.json', '{ "name": "amqplib", "version": "1.0.0", "main": "index.js" }');
  put('node_modules/amqplib/index.js', '');
  for (const file of targets) put(file, 'export const here = 1;\n');
  const imports = [...Object.values(FORBIDDEN).flat(), ...ALLOWED];
  for (const [from, to] of imports) put(from, `import { here } from '${to}';\nexport const there = here;\n`);
  put('src/gates/amqp/type-speaker.ts', `import type { Channel } from 'amqplib';\nexport type There = Channel;\n`);
}

describe('the floors of the house', () => {
  it('hold: nothing imports upwards, goes around a front door or in a circle', async () => {
    const { violations, modules } = await cruise(ROOT);
    expect(violations).toEqual([]);
    expect(modules).toBeGreaterThan(150);
  });

  it('are guarded by rules that bite: each reports the import planted for it, and nothing that is allowed', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'sanmon-floors-'));
    try {
      plant(directory);
      const { violations } = await cruise(directory);
      const found = new Map(violations.map((v) => [v.split(': ')[0]!, v.split(': ')[1]!.split(' -> ')[0]!]));
      expect(Object.keys(FORBIDDEN).sort()).toEqual([...rules].sort());
      for (const [rule, imports] of Object.entries(FORBIDDEN))
        expect([rule, imports.map(([from]) => from)]).toEqual([rule, expect.arrayContaining([found.get(rule)])]);
      const planted = Object.values(FORBIDDEN).flatMap((imports) => imports.map(([from]) => from));
      const others = violations.filter((v) => !planted.some((from) => v.includes(`: ${from} -> `)));
      expect(others).toEqual([]);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});
