import { type DynamicModule, RequestMethod, type Type } from '@nestjs/common';
import { Registry } from 'prom-client';
import { METHOD_METADATA, MODULE_METADATA, PATH_METADATA, ROUTE_ARGS_METADATA } from '@nestjs/common/constants.js';
import { PATTERN_METADATA } from '@nestjs/microservices/constants.js';
import { type OperationClass, type OperationTraits, operations } from '../../gates/operation.js';
import { repliesOf, type ReplyTraits } from '../../gates/http/replies.js';
import { moduleOf } from '../../messaging/contract.js';
import { moduleOfReceiver } from '../../messaging/receives.js';
import { AppModule } from '../../app.module.js';
import { readSettings } from '../../config/read-settings.js';

/** One way in over REST, and what its method says of its answers. */
export interface Route {
  method: string;
  path: string;
  replies: ReplyTraits<unknown>;
}

/** How one operation is reached, read from the decorators of the controllers: what has no way through a gate has none. */
export interface Surface {
  type: OperationClass;
  traits: OperationTraits;
  /** E.g. `POST /v1/orders/:id/cancellation`. */
  rest: Route[];
  /** E.g. `OrdersService`, `CancelOrder`. */
  grpc: { service: string; rpc: string }[];
  /** Whether some `@Receives` takes it from `sanmon.commands`. */
  amqp: boolean;
}

type Controller = new () => object;
type Method = (...args: never[]) => unknown;

/** Every controller of the house, as the composition root puts it together. */
export function controllers(): Controller[] {
  const ground = {
    settings: readSettings({}),
    sources: [],
    traffic: {},
    keys: {},
    sandboxUrl: '',
    metrics: new Registry(),
  };
  return (AppModule.on(ground as never).imports as (DynamicModule | Type)[]).flatMap((imported) => {
    const dynamic = 'module' in imported ? imported : { module: imported, controllers: [] };
    const fixed = (Reflect.getMetadata(MODULE_METADATA.CONTROLLERS, dynamic.module) ?? []) as Controller[];
    return [...fixed, ...((dynamic.controllers ?? []) as Controller[])];
  });
}

/** Every operation of the house with its ways in, in the order of their names. */
export function surface(): Surface[] {
  const methods = methodsOf(controllers());
  const received = methods.flatMap(({ method }) => patterns(method));
  return [...operations()]
    .map(([type, traits]) => {
      const ways = methods.filter((m) => inputOf(m) === type);
      return {
        type,
        traits,
        rest: ways.flatMap(restOf),
        grpc: ways.flatMap(grpcOf),
        amqp: received.includes(traits.name),
      };
    })
    .sort((a, b) => (a.traits.name < b.traits.name ? -1 : 1));
}

interface OfController {
  controller: Controller;
  name: string;
  method: Method;
}

const methodsOf = (of: Controller[]): OfController[] =>
  of.flatMap((controller) =>
    Object.getOwnPropertyNames(controller.prototype)
      .filter((name) => name !== 'constructor')
      .map((name) => ({ controller, name, method: (controller.prototype as Record<string, Method>)[name]! })),
  );

/** What `@Input(type)` of a method was given. */
function inputOf({ controller, name }: OfController): unknown {
  const args = (Reflect.getMetadata(ROUTE_ARGS_METADATA, controller, name) ?? {}) as Record<string, { data?: unknown }>;
  return Object.values(args).find(({ data }) => operations().has(data as OperationClass))?.data;
}

function restOf({ controller, method }: OfController): Surface['rest'] {
  const path = Reflect.getMetadata(PATH_METADATA, method) as string | undefined;
  if (path === undefined) return [];
  const verb = RequestMethod[Reflect.getMetadata(METHOD_METADATA, method) as RequestMethod];
  const whole = `/${Reflect.getMetadata(PATH_METADATA, controller) as string}/${path}`;
  return [{ method: verb, path: whole.replace(/\/+/g, '/').replace(/\/$/, ''), replies: repliesOf(method) }];
}

/** The ways in over REST that belong to no operation: health and the like. */
export const otherRoutes = (): Route[] =>
  methodsOf(controllers())
    .filter((method) => inputOf(method) === undefined)
    .flatMap(restOf);

const patterns = (method: Method): unknown[] => (Reflect.getMetadata(PATTERN_METADATA, method) ?? []) as unknown[];

const grpcOf = ({ method }: OfController): Surface['grpc'] =>
  patterns(method).flatMap((pattern) => {
    const { service, rpc } = pattern as { service?: string; rpc?: string };
    return service && rpc ? [{ service, rpc }] : [];
  });

/** The other modules whose events a module handles. */
export function modulesHeardBy(module: string): string[] {
  const received = methodsOf(controllers()).flatMap(({ controller, method }) => {
    const types = patterns(method).filter((pattern) => typeof pattern === 'string');
    return types.length > 0 && moduleOfReceiver(controller) === module ? types.map(moduleOf) : [];
  });
  return [...new Set(received)].filter((other) => other !== module).sort();
}

/** The method that takes the messages of a type, as its controller and its name. */
export function receiverOf(type: string): { controller: Controller; name: string } {
  const found = methodsOf(controllers()).find(({ method }) => patterns(method).includes(type));
  if (!found) throw new Error(`nobody receives ${type}`);
  return found;
}
