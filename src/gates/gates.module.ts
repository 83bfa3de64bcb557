import { type DynamicModule, Module } from '@nestjs/common';
import { Access } from '../access/access.js';
import { API_KEY_SOURCE, ApiKeys, type ApiKeySource } from '../access/api-keys.js';
import { Traffic } from '../messaging/traffic.js';
import { Admission } from './admit.js';
import { Execution } from './execution.js';
import { Gatherer } from './gatherer.js';
import { Health } from './health.js';
import { HealthController } from './http/health.controller.js';

/** What REST, gRPC and AMQP share. */
@Module({})
export class GatesModule {
  /** Admission and health, once in the process. */
  static forRoot(keys: ApiKeySource): DynamicModule {
    return {
      module: GatesModule,
      global: true,
      controllers: [HealthController],
      providers: [{ provide: API_KEY_SOURCE, useValue: keys }, ApiKeys, Access, Health, Admission],
      exports: [Access, Health, Admission],
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
        { provide: Gatherer, useFactory: (execution: Execution) => new Gatherer(execution), inject: [Execution] },
      ],
      exports: [Execution, Gatherer],
    };
  }
}

@Module({})
class ModuleGates {}
