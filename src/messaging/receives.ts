import { Controller } from '@nestjs/common';
import { Ctx, MessagePattern, Payload } from '@nestjs/microservices';
import type { Tx } from '../database/transaction.js';

/** The transport id of our message path, so that Nest gives these handlers to it and to nobody else. */
export const MESSAGES = Symbol('SANMON_MESSAGES');

const TYPE = 'sanmon:type';
const MODULE = 'sanmon:module';

/** What a handler of messages works in: the transaction that also marks them seen. */
export interface Reception {
  tx: Tx;
}

/** Says under which type a class travels; `@Command`, `@Event` and `@Operation` call it. */
export const travelsAs = (type: string, target: object): void => Reflect.defineMetadata(TYPE, type, target);

/** A controller whose methods receive messages for one module of the house. */
export const Receiver =
  (module: string): ClassDecorator =>
  (target) => {
    Reflect.defineMetadata(MODULE, module, target);
    Controller()(target);
  };

/**
 * Marks the method that handles sets of these messages. Built on Nest's own pattern metadata; the two arguments are
 * the set and its {@link Reception}. Types named together reach the method in one set.
 */
export const Receives =
  (...classes: (new () => object)[]): MethodDecorator =>
  (target, name, descriptor) => {
    const types = classes.map((c) => {
      const type = Reflect.getMetadata(TYPE, c) as string | undefined;
      if (!type) throw new Error(`${c.name} does not travel: it is no @Command, @Event or @Operation`);
      return type;
    });
    Payload()(target, name, 0);
    Ctx()(target, name, 1);
    MessagePattern<string[]>(types, MESSAGES, { controller: target.constructor })(target, name, descriptor);
  };

/** The module a receiving controller belongs to. */
export function moduleOfReceiver(controller: object): string {
  const module = Reflect.getMetadata(MODULE, controller) as string | undefined;
  if (!module) throw new Error(`${(controller as { name?: string }).name} uses @Receives but is no @Receiver(module)`);
  return module;
}
