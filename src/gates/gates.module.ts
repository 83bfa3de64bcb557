import { type DynamicModule, type FactoryProvider, Module } from '@nestjs/common';
import { Registry } from 'prom-client';
import { Access } from '../access/access.js';
import { API_KEY_SOURCE, ApiKeys, type ApiKeySource } from '../access/api-keys.js';
import { Buckets } from '../access/buckets.js';
import { RateLimit } from '../access/rate-limit.js';
import { Refusals } from '../access/refusals.js';
import { TOKEN_SOURCE, Tokens, type TokenSource } from '../access/tokens.js';
import { Traffic } from '../messaging/traffic.js';
import { Admission } from './admit.js';
import { CallSpans } from './call-spans.js';
import { Execution } from './execution.js';
import { Gatherer } from './gatherer.js';
import { Health } from './health.js';
import { HealthController } from './http/health.controller.js';
import { Origins } from './http/origins.js';
import { MetricsController } from './http/metrics.controller.js';
import { WebSockets } from './http/web-sockets.js';
import { Streams } from './live/streams.js';

/** What is off unless somebody asks for it. */
export interface GateOptions {
  /** Whose tokens are taken for those of customers. */
  tokens?: TokenSource;
  /** How many calls a caller may make in a second, over all gates and processes. */
  callsPerSecond?: number;
  /** Whose pages may open WebSockets from browsers. */
  origins?: readonly string[];
  /** The numbers that `/metrics` shows. */
  metrics?: Registry;
  /** Where the spans of calls are told. */
  spans?: CallSpans;
}

/** What REST, gRPC and AMQP share. */
@Module({})
export class GatesModule {
  /** Admission and health, once in the process. */
  static forRoot(
    keys: ApiKeySource,
    { tokens, callsPerSecond, origins, metrics, spans }: GateOptions = {},
  ): DynamicModule {
    return {
      module: GatesModule,
      global: true,
      controllers: [HealthController, ...(metrics ? [MetricsController] : [])],
      providers: [
        { provide: API_KEY_SOURCE, useValue: keys },
        ...(tokens ? [{ provide: TOKEN_SOURCE, useValue: tokens }, Tokens] : []),
        ...(metrics ? [{ provide: Registry, useValue: metrics }] : []),
        ...(spans ? [{ provide: CallSpans, useValue: spans }] : []),
        ...(callsPerSecond ? [limitTo(callsPerSecond)] : []),
        { provide: Origins, useValue: new Origins(origins) },
        ApiKeys,
        Access,
        Refusals,
        Health,
        Admission,
        Streams,
        WebSockets,
      ],
      exports: [Access, Refusals, Health, Admission, Streams, WebSockets, ...(spans ? [CallSpans] : [])],
    };
  }

  /** The gatherer of one module: its sets run on that module's database. */
  static for(module: string): DynamicModule {
    return {
      module: ModuleGates,
      providers: [
        { provide: 'MODULE', useValue: module },
        {
          provide: Execution,
          useFactory: (traffic: Traffic) => new Execution(module, traffic.of(module).database),
          inject: [Traffic],
        },
        {
          provide: Gatherer,
          useFactory: (execution: Execution, { courtesy }: Traffic, spans?: CallSpans) =>
            new Gatherer(execution, { courtesy, spans }),
          inject: [Execution, Traffic, { token: CallSpans, optional: true }],
        },
      ],
      exports: [Execution, Gatherer],
    };
  }
}

const limitTo = (callsPerSecond: number): FactoryProvider<RateLimit> => ({
  provide: RateLimit,
  // Any module's database will do, so long as all processes agree: with one for each module they share a rate by module.
  useFactory: (traffic: Traffic) =>
    new RateLimit(callsPerSecond, new Buckets(traffic.all()[0]!.database, callsPerSecond)),
  inject: [Traffic],
});

@Module({})
class ModuleGates {}
