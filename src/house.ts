import { Logger } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import type { AddressInfo } from 'node:net';
import { Registry } from 'prom-client';
import { setTimeout as sleep } from 'node:timers/promises';
import { RateLimit } from './access/rate-limit.js';
import { AppModule, pathsElsewhere } from './app.module.js';
import type { Settings } from './config/settings.js';
import type { AmqpGate } from './gates/amqp/amqp-gate.js';
import { CommandsConsumer } from './gates/amqp/commands.consumer.js';
import { QueriesConsumer } from './gates/amqp/queries.consumer.js';
import { Admission } from './gates/admit.js';
import { CallSpans } from './gates/call-spans.js';
import { Calls } from './gates/calls.js';
import { Execution } from './gates/execution.js';
import { GrpcGate } from './gates/grpc/grpc.server.js';
import { Health } from './gates/health.js';
import { BornExpressAdapter } from './gates/http/express.adapter.js';
import { configureHttp } from './gates/http/http.js';
import { Streams } from './gates/live/streams.js';
import { type Foundations, layFoundations } from './foundations.js';
import { HouseLogger } from './house-logger.js';
import { registerNumbers } from './house-numbers.js';
import { MessagesStrategy } from './messaging/messages.strategy.js';
import { onSignals } from './signals.js';

/** A house that stands: where it listens, and how it is closed. */
export interface House {
  httpPort: number;
  grpcPort: number;
  foundations: Foundations;
  app: NestExpressApplication;
  /** Resolves when the queues of the third gate stand too; until then `/readyz` says `starting`. Never rejects. */
  standing: Promise<void>;
  /** Drains and closes everything, in the order that loses nothing. */
  close(): Promise<void>;
}

/** Opens the house: foundations, modules, then the three gates. Resolves when everything listens. */
export async function openHouse(settings: Settings): Promise<House> {
  Logger.overrideLogger(new HouseLogger(settings.LOG_LEVEL));
  const foundations = await layFoundations(settings);
  try {
    return await openGates(settings, foundations);
  } catch (error) {
    await foundations.close();
    throw error;
  }
}

async function openGates(settings: Settings, foundations: Foundations): Promise<House> {
  const { traffic } = foundations;
  const metrics = settings.METRICS === 'on' ? new Registry() : undefined;
  const calls = metrics && new Calls(metrics);
  const spans = foundations.tellSpan && new CallSpans(foundations.tellSpan, settings.OTEL_TRACES_SAMPLER_ARG);
  const app = await NestFactory.create<NestExpressApplication>(
    AppModule.on({ settings, ...foundations, metrics, spans }),
    new BornExpressAdapter(),
    { bodyParser: false, logger: new HouseLogger(settings.LOG_LEVEL), abortOnError: false },
  );
  configureHttp(app, { corsOrigins: settings.CORS_ORIGINS, elsewhere: pathsElsewhere(settings.MODULES), calls });
  const health = app.get(Health);
  health.starting = true;
  const grpc = new GrpcGate({
    host: settings.HOST,
    port: settings.GRPC_PORT,
    modules: [...settings.MODULES, 'ops'],
    closeWithinMs: 8_000,
    connectionAgeMs: settings.GRPC_CONNECTION_AGE_MS,
    ready: async () => (await health.report()).status !== 'down',
    reflection: settings.PUBLIC_DOCS === 'on',
  });
  // Globals first, then connect: handlers are bound inside connectMicroservice, and inherit nothing unless asked.
  app.connectMicroservice({ strategy: grpc }, { inheritAppConfig: true });
  app.connectMicroservice({ strategy: new MessagesStrategy(traffic.handlers, traffic) }, { inheritAppConfig: true });
  registerChecks(app, foundations);
  try {
    await app.init();
    connectCommands(app, settings, foundations, { calls, spans });
    if (metrics) registerNumbers(metrics, { ...foundations, streams: app.get(Streams) });
    await app.startAllMicroservices();
    await app.listen(settings.PORT, settings.HOST);
  } catch (error) {
    // What runs already stops before the ground under it goes away.
    await app.close();
    throw error;
  }
  const { port } = (app.getHttpServer() as { address(): AddressInfo }).address();
  return {
    httpPort: port,
    grpcPort: grpc.port,
    foundations,
    app,
    standing: Promise.resolve(traffic.broker?.standing(STANDING_MS)).then(() => void (health.starting = false)),
    close: async () => {
      health.drain();
      grpc.leave();
      await sleep(settings.DRAIN_DELAY_MS);
      // Before the gates close: they wait for what is open, and streams end only when they are told to.
      await app.get(Streams).leave();
      await app.close();
      await foundations.close();
    },
  };
}

/** So long `/readyz` waits for the queues of the third gate, so that no command is lost that is published when it says yes. */
const STANDING_MS = 5_000;

/** Without a broker there is no third gate; what came through it earlier, and waits or was released, is still worked on. */
function connectCommands(
  app: NestExpressApplication,
  settings: Settings,
  { traffic }: Foundations,
  told: Pick<AmqpGate, 'calls' | 'spans'>,
): void {
  const { broker, handlers } = traffic;
  const gate = { admission: app.get(Admission), publisherScopes: settings.AMQP_PUBLISHER_SCOPES, ...told };
  const limit = settings.RATE_LIMIT_PER_SECOND > 0 ? app.get(RateLimit, { strict: false }) : undefined;
  for (const module of traffic.all()) {
    const own = { ...gate, execution: new Execution(module.module, module.database, limit) };
    const queries = broker && new QueriesConsumer(module.module, broker, handlers, own);
    queries?.open();
    new CommandsConsumer(module, handlers, own, queries).open(broker);
  }
}

function registerChecks(app: NestExpressApplication, { sources, traffic }: Foundations): void {
  const health = app.get(Health);
  sources.forEach((source, name) =>
    health.register(name, async () => {
      // Asked through the pool, a house under load would say it is down, and a balancer send everything to the others.
      const known = traffic
        .all()
        .some(({ database }) => database.dataSource === source && database.answeredWithin(FRESH_MS));
      if (!known) await source.query('SELECT 1');
      return 'ok' as const;
    }),
  );
  health.register('overdue', () => (traffic.all().some((t) => t.overdue.found > 0) ? 'degraded' : 'ok'));
  // Orders are accepted while the broker is away: they wait in the outbox.
  const { broker } = traffic;
  if (!broker) return;
  health.register('broker', () => (broker.complaint === '' ? 'ok' : 'degraded'));
  // A queue that is not consumed delays the messages of one module and stops nothing else.
  for (const { name } of traffic.queues())
    health.register(`queue ${name}`, () => (broker.complaintOf(name) === '' ? 'ok' : 'degraded'));
}

/**
 * Work that the database did so lately proves as much as a question. Under more load than a machine can carry a set takes a
 * second, and a replica that calls itself down then leaves everything to the others.
 */
const FRESH_MS = 2_000;

const SAME_SIGNAL_MS = 1_000;

/** Closes once: the first signal drains, the second or the deadline ends. */
export function closeOnSignals(house: House, timeoutMs: number): void {
  const logger = new Logger('House');
  let closingSince: number | undefined;
  const close = (signal: string): void => {
    // Ctrl-C under npm comes twice within milliseconds: from the terminal, and forwarded by npm.
    if (closingSince !== undefined && Date.now() - closingSince > SAME_SIGNAL_MS) process.exit(1);
    if (closingSince !== undefined) return;
    closingSince = Date.now();
    logger.log(`${signal}: closing; again to end at once`);
    const deadline = setTimeout(() => {
      logger.error(`not closed within ${timeoutMs} ms`);
      process.exit(1);
    }, timeoutMs);
    void house.close().then(
      () => {
        clearTimeout(deadline);
        process.exit(0);
      },
      (error: Error) => {
        logger.error(error.message, error.stack);
        process.exit(1);
      },
    );
  };
  onSignals(close);
}
