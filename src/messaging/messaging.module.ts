import { type DynamicModule, Module } from '@nestjs/common';
import { Database } from '../database/database.js';
import { Effects } from './effects/effects.js';
import { Handlers } from './handlers.js';
import { Outbox } from './outbox/outbox.js';
import { Timers } from './timers.js';
import { Traffic } from './traffic.js';

/** Gives each module of the house its own outbox, effects and timers, under the same names. */
@Module({})
export class MessagingModule {
  /** The one message path of this process. */
  static forRoot(traffic: Traffic): DynamicModule {
    return {
      module: MessagingModule,
      global: true,
      providers: [
        { provide: Traffic, useValue: traffic },
        { provide: Handlers, useValue: traffic.handlers },
      ],
      exports: [Traffic, Handlers],
    };
  }

  /** What one module writes with. */
  static for(module: string): DynamicModule {
    const own = <T>(provide: abstract new (...args: never[]) => T, pick: (traffic: Traffic) => T) => ({
      provide,
      useFactory: pick,
      inject: [Traffic],
    });
    return {
      module: ModuleMessaging,
      // Nest tells dynamic modules apart by their metadata; the name makes each module's its own.
      providers: [
        { provide: 'MODULE', useValue: module },
        own(Database, (t) => t.of(module).database),
        own(Outbox, (t) => t.of(module).outbox),
        own(Effects, (t) => t.of(module).effects),
        own(Timers, (t) => t.of(module).timers),
      ],
      exports: ['MODULE', Database, Outbox, Effects, Timers],
    };
  }
}

@Module({})
class ModuleMessaging {}
