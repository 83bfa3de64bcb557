import { readFileSync } from 'node:fs';
import { MODULES, type Settings, SETTINGS } from './settings.js';
import type { Setting } from './setting.js';

type Environment = Record<string, string | undefined>;

/** Everything that is wrong with the environment, by name and expected form, never by value: values may be secrets. */
export class BadSettings extends Error {
  constructor(readonly problems: string[]) {
    super(`These settings are not as expected:\n${problems.map((p) => `  ${p}`).join('\n')}`);
  }
}

/** Reads and judges the whole environment at once; the only reader of it. Throws {@link BadSettings}. */
export function readSettings(environment: Environment = process.env): Settings {
  const problems: string[] = [];
  const values: Record<string, unknown> = {};
  for (const [name, setting] of Object.entries(SETTINGS) as [string, Setting<unknown>][]) {
    const text = textOf(name, environment, problems);
    const value = text === undefined ? setting.fallback : setting.parse(text);
    if (text !== undefined && value === undefined) problems.push(`${name}: expected ${setting.expects}`);
    values[name] = value;
  }
  const settings = {
    ...values,
    API_KEYS_FILE: environment['API_KEYS_FILE'] || undefined,
    owner: ownerOf(environment),
  } as Settings;
  problems.push(...contradictions(settings));
  if (problems.length > 0) throw new BadSettings(problems);
  return Object.freeze({ ...settings, MODULES: settings.MODULES.length > 0 ? settings.MODULES : [...MODULES] });
}

/** The names under which something is set, `X_FILE` included. Values may be secrets, and stay here. */
export const namesGiven = (environment: Environment = process.env): string[] =>
  Object.keys(SETTINGS)
    .flatMap((name) => [name, `${name}_FILE`])
    .filter((name) => environment[name]);

function textOf(name: string, environment: Environment, problems: string[]): string | undefined {
  const file = environment[`${name}_FILE`];
  if (!file) return environment[name] || undefined;
  if (environment[name]) problems.push(`${name}: given twice, as ${name} and as ${name}_FILE`);
  try {
    return readFileSync(file, 'utf8').trim() || undefined;
  } catch {
    problems.push(`${name}_FILE: the file cannot be read`);
    return undefined;
  }
}

/** Combinations that would lose something later are refused now. */
function contradictions(settings: Partial<Settings>): string[] {
  const found: string[] = [];
  const here = settings.MODULES ?? [];
  if (here.length > 0 && here.length < MODULES.length) {
    if (settings.RABBITMQ_URL?.length === 0)
      found.push('MODULES: a part of the house needs RABBITMQ_URL to reach the rest');
    if (!settings.MESSAGE_SECRET) found.push('MODULES: a part of the house needs the MESSAGE_SECRET of the rest');
    if (here.includes('orders') && !here.includes('inventory') && !settings.INVENTORY_GRPC_URL)
      found.push('MODULES: orders without inventory needs INVENTORY_GRPC_URL to ask for prices');
  }
  const { JWT_JWKS_URL, JWT_ISSUER, JWT_AUDIENCE } = settings;
  if ([JWT_JWKS_URL, JWT_ISSUER, JWT_AUDIENCE].filter(Boolean).length % 3 !== 0)
    found.push('JWT_JWKS_URL: expected together with JWT_ISSUER and JWT_AUDIENCE, else tokens meant for others pass');
  const { IDEMPOTENCY_RETENTION_DAYS: kept = 0, RELEASE_WITHIN_DAYS: released = 0 } = settings;
  if (kept < released)
    found.push(
      'IDEMPOTENCY_RETENTION_DAYS: expected at least RELEASE_WITHIN_DAYS, else a released message could act twice',
    );
  if ((settings.DRAIN_DELAY_MS ?? 0) >= (settings.SHUTDOWN_TIMEOUT_MS ?? Infinity))
    found.push(
      'DRAIN_DELAY_MS: expected less than SHUTDOWN_TIMEOUT_MS, which it is part of, else every stop is cut off',
    );
  return found;
}

function ownerOf(environment: Environment): Settings['owner'] {
  const uid = Number(environment['SUDO_UID']);
  const gid = Number(environment['SUDO_GID']);
  return uid > 0 && gid > 0 ? { uid, gid } : undefined;
}
