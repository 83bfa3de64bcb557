import { ConsoleLogger, type LogLevel } from '@nestjs/common';
import type { Settings } from './config/settings.js';

const LEVELS: LogLevel[] = ['fatal', 'error', 'warn', 'log', 'debug', 'verbose'];
const SHOWN = { error: 2, warn: 3, info: 4, debug: 6 };

/** What Nest says of its own start is sixty lines that hide ours; at `debug` they are shown. */
const FRAMEWORK = new Set([
  'InstanceLoader',
  'RoutesResolver',
  'RouterExplorer',
  'NestFactory',
  'NestApplication',
  'NestMicroservice',
]);

type Given = [message: unknown, options: { context: string; logLevel: LogLevel; errorStack?: unknown }];

/** Nest's logger: for people on a terminal, one JSON object a line everywhere else. */
export class HouseLogger extends ConsoleLogger {
  constructor(private readonly level: Settings['LOG_LEVEL']) {
    const terminal = process.stdout.isTTY;
    super({
      ...{ logLevels: LEVELS.slice(0, SHOWN[level]), json: !terminal, colors: terminal, prefix: 'sanmon' },
      // What a line is about stands beside its message: `trace`, `key` and so on. On a terminal it stands behind it.
      flattenParams: true,
    });
  }

  override log(message: unknown, ...rest: unknown[]): void {
    if (this.level !== 'debug' && FRAMEWORK.has(String(rest.at(-1)))) return;
    super.log(message, ...(rest as [string]));
  }

  /** The time as ISO 8601, and `info` as log collectors call it; the rest is Nest's. */
  protected override getJsonLogObject(...given: Given): never {
    const { timestamp, level, ...rest } = super.getJsonLogObject(...given);
    const time = new Date(timestamp).toISOString();
    // Nest types the names away that are changed here.
    return { time, level: level === 'log' ? 'info' : level, ...rest } as never;
  }
}
