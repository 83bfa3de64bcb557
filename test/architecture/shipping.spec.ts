import { Ajv } from 'ajv';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { readSettings } from '../../src/config/read-settings.js';
import { MODULES, SETTINGS } from '../../src/config/settings.js';
import { queueOf } from '../../src/messaging/broker/topology.js';
import type { Json } from '../support/shop.js';

const ROOT = join(import.meta.dirname, '../..');
const CHART = 'deploy/helm/sanmon';
const text = (path: string): string => readFileSync(join(ROOT, path), 'utf8');
const yaml = (path: string): Json => parse(text(path), { merge: true });

/** What compose makes of `${NAME:-default}` where NAME is not set. */
const filledIn = (value: unknown): string => String(value).replace(/\$\{\w+:-([^}]*)\}/g, '$1');
const seconds = (duration: string): number => Number(/^(\d+)s$/.exec(duration)![1]);

describe.each(['docker-compose.yml', 'docker-compose.split.yml'])('%s', (path) => {
  const { services, volumes } = yaml(path);
  const houses = Object.values<Json>(services).filter(({ image }) => image?.startsWith('sanmon:'));

  it('gives the product settings that it takes, all modules once, and time to stop', () => {
    const all = houses.map(({ environment }) => {
      const given = Object.entries(environment).map(([name, value]) => [name, filledIn(value)] as const);
      expect(given.map(([name]) => name).filter((name) => !(name.replace(/_FILE$/, '') in SETTINGS))).toEqual([]);
      return readSettings(Object.fromEntries(given));
    });
    expect(all.flatMap((settings) => settings.MODULES).sort()).toEqual([...MODULES].sort());
    for (const [i, { SHUTDOWN_TIMEOUT_MS }] of all.entries())
      expect(seconds(houses[i]!.stop_grace_period) * 1_000).toBeGreaterThan(SHUTDOWN_TIMEOUT_MS);
    const { version } = JSON.parse(text('package.json'));
    expect(houses.map(({ image }) => image)).toEqual(houses.map(() => `sanmon:${version}`));
  });

  it('builds the image once, and takes it from nowhere else', () => {
    // Two builds of one name side by side fail at the first start: "already exists".
    expect(houses.filter(({ build }) => build)).toHaveLength(1);
    expect(houses.filter(({ build, pull_policy }) => !build && pull_policy !== 'never')).toEqual([]);
  });

  it('names only services and volumes that there are', () => {
    const known = Object.keys(services);
    for (const service of Object.values<Json>(services)) {
      const whole = service.extends ? yaml(service.extends.file).services[service.extends.service] : service;
      expect(known).toEqual(expect.arrayContaining(Object.keys(whole.depends_on ?? {})));
      const named = (whole.volumes ?? []).map((mount: string) => mount.split(':')[0]);
      expect(Object.keys(volumes)).toEqual(expect.arrayContaining(named));
    }
  });
});

it('has an inventory where the split compose file asks for prices', () => {
  const { services } = yaml('docker-compose.split.yml');
  const [, host] = /^dns:\/\/\/([^:]+):50051$/.exec(services.orders.environment.INVENTORY_GRPC_URL)!;
  expect(services[host!].environment.MODULES).toBe('inventory');
});

it('copies into the image only what is there and what .dockerignore lets in, and starts our command', () => {
  const dockerfile = text('Dockerfile').replace(/\\\n/g, ' ');
  const open = text('.dockerignore')
    .split('\n')
    .flatMap((line) => /^!(.+)$/.exec(line)?.[1] ?? []);
  const sources = [...dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, named]) => named!.split(' '));
  expect(sources.length).toBeGreaterThan(5);
  expect(sources.filter((source) => !existsSync(join(ROOT, source)) || !open.includes(source))).toEqual([]);
  const { bin } = JSON.parse(text('package.json'));
  expect(dockerfile).toContain(`ln -s /app/${bin.sanmon} /usr/local/bin/sanmon`);
  expect(dockerfile).toMatch(/^ENTRYPOINT \["sanmon"\]$/m);
  expect(existsSync(join(ROOT, bin.sanmon.replace(/^dist(.*)\.js$/, 'src$1.ts')))).toBe(true);
});

describe('the chart', () => {
  const schema = JSON.parse(text(`${CHART}/values.schema.json`));
  const values = yaml(`${CHART}/values.yaml`);
  const templates = readdirSync(join(ROOT, CHART, 'templates'))
    .map((name) => text(`${CHART}/templates/${name}`))
    .join('\n');
  /** Those that the templates set themselves. */
  const OWN = ['MODULES', 'DATA_DIR'];
  /** Fixed in a container, so that probes and services find them. */
  const FIXED = ['PORT', 'GRPC_PORT', 'HOST'];

  it('has values that its schema takes, and refuses names that mean nothing', () => {
    const judge = new Ajv({ strictTypes: false }).compile(schema);
    expect([judge(values), judge.errors]).toEqual([true, null]);
    const wrong = [
      { ...values, settings: { ...values.settings, CANCEL_WINDOW_HUORS: 1 } },
      { ...values, deployments: { kitchen: { modules: ['kitchen'] } } },
      { ...values, secrets: { DATABASE_URL: 'postgres://in-the-open' } },
    ];
    expect(wrong.map((one) => judge(one))).toEqual([false, false, false]);
  });

  it('lets every setting be given that there is, but those it sets itself', () => {
    const names = Object.keys(SETTINGS).filter((name) => ![...OWN, ...FIXED].includes(name));
    expect([...schema.definitions.setting.enum].sort()).toEqual(names.sort());
  });

  it('names in its templates settings, modules and queues of the product only', () => {
    const named = [...templates.matchAll(/- \{ name: ([A-Z_]+), value/g)].map(([, name]) => name!);
    expect(named).toEqual(OWN);
    expect(templates.match(/list "orders"[^)}]*/g)?.map((found) => found.match(/[a-z]+(?=")/g))).toEqual(
      expect.arrayContaining([[...MODULES]]),
    );
    const queues = [...templates.matchAll(/printf "(sanmon\.%s[^"]*)"/g)].map(([, form]) =>
      form!.replace('%s', 'orders'),
    );
    expect(queues).toEqual([queueOf.commands('orders'), queueOf.internal('orders')]);
  });

  it('gives a pod more time to end than the product takes', () => {
    const { DRAIN_DELAY_MS, SHUTDOWN_TIMEOUT_MS } = values.settings;
    expect(SHUTDOWN_TIMEOUT_MS).toBeGreaterThan(DRAIN_DELAY_MS + 10_000);
    expect(templates).toMatch(/terminationGracePeriodSeconds:.*DRAIN_DELAY_MS.*SHUTDOWN_TIMEOUT_MS.* 1000\) 5/);
  });
});

it('runs what CI runs on the oldest and the newest Node, with files that there are', () => {
  const { jobs } = yaml('.github/workflows/ci.yml');
  expect(jobs.test.strategy.matrix.node).toEqual(['20', '24']);
  const runs = Object.values<Json>(jobs).flatMap(({ steps }) =>
    steps.flatMap(({ run = '' }: Json) => run.split(/\s+/)),
  );
  const files = runs.filter((word: string) => /^(\.ci|examples|deploy|docker-compose)[\w./-]*$/.test(word));
  expect(files).toEqual(expect.arrayContaining(['.ci/run', 'docker-compose.split.yml', CHART]));
  expect(files.filter((file: string) => !existsSync(join(ROOT, file)))).toEqual([]);
});
