import { Logger } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { AppModule } from './app.module.js';
import type { Settings } from './config/settings.js';
import { CommandsConsumer } from './gates/amqp/commands.consumer.js';
import { Admission } from './gates/admit.js';
import { Execution } from './gates/execution.js';
import { GrpcGate } from './gates/grpc/grpc.server.js';
import { Health } from './gates/health.js';
import { configureHttp } from './gates/http/http.js';
import { type Foundations, layFoundations } from './foundations.js';
import { HouseLogger } from './house-logger.js';
import { MessagesStrategy } from './messaging/messages.strategy.js';

/** A house that stands: where it listens, and how it is closed. */
export interface House {
  httpPort: number;
  grpcPort: number;
  foundations: Foundations;
  app: NestExpressApplication;
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
  const app = await NestFactory.create<NestExpressApplication>(AppModule.on({ settings, ...foundations }), {
    bodyParser: false,
    logger: new HouseLogger(settings.LOG_LEVEL),
    abortOnError: false,
  });
  configureHttp(app);
  const grpc = new GrpcGate({
    host: settings.HOST,
    port: settings.GRPC_PORT,
    modules: [...settings.MODULES, 'ops'],
    closeWithinMs: 8_000,
  });
  // Globals first, then connect: handlers are bound inside connectMicroservice, and inherit nothing unless asked.
  app.connectMicroservice({ strategy: grpc }, { inheritAppConfig: true });
  app.connectMicroservice({ strategy: new MessagesStrategy(traffic.handlers, traffic) }, { inheritAppConfig: true });
  registerChecks(app, foundations);
  try {
    await app.init();
    connectCommands(app, settings, foundations);
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
    close: async () => {
      app.get(Health).drain();
      grpc.setServing(false);
      await sleep(settings.DRAIN_DELAY_MS);
      await app.close();
      await foundations.close();
    },
  };
}

/** Without a broker there is no third gate. */
function connectCommands(app: NestExpressApplication, settings: Settings, { traffic }: Foundations): void {
  if (!traffic.broker) return;
  for (const module of traffic.all()) {
    const execution = new Execution(module.module, module.database);
    const consumer = new CommandsConsumer(module, traffic.handlers, {
      admission: app.get(Admission),
      execution,
      publisherScopes: settings.AMQP_PUBLISHER_SCOPES,
    });
    consumer.consumeFrom(traffic.broker);
  }
}

function registerChecks(app: NestExpressApplication, { sources, traffic }: Foundations): void {
  const health = app.get(Health);
  sources.forEach((source, i) =>
    health.register(sources.length > 1 ? `database-${i}` : 'database', async () => {
      await source.query('SELECT 1');
      return 'ok' as const;
    }),
  );
  // Orders are accepted while the broker is away: they wait in the outbox.
  const { broker } = traffic;
  if (!broker) return;
  health.register('broker', () => (broker.complaint === '' ? 'ok' : 'degraded'));
  // A queue that is not consumed delays the messages of one module and stops nothing else.
  for (const { name } of traffic.queues())
    health.register(`queue ${name}`, () => (broker.complaintOf(name) === '' ? 'ok' : 'degraded'));
}

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
  process.on('SIGTERM', () => close('SIGTERM'));
  process.on('SIGINT', () => close('SIGINT'));
}
