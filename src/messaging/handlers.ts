import type { Failure } from '../failure.js';
import { moduleOf } from './contract.js';
import type { Message } from './message.js';
import type { Reception } from './receives.js';
import type { TellSpan } from './spans.js';

/** Handles a set of messages, at most one of each key. A Failure in the answer refuses that message alone. */
export type Handle = (messages: Message[], reception: Reception) => Promise<(Failure | undefined | void)[] | void>;

/** Which module of this process handles which type; filled by Nest from the `@Receives` methods. */
export class Handlers {
  /** `tell`: where the handling of each traced message is told. */
  constructor(readonly tell?: TellSpan) {}

  private readonly modules = new Map<string, Map<string, Handle>>();

  add(module: string, type: string, handle: Handle): void {
    const known = this.modules.get(module) ?? new Map<string, Handle>();
    if (known.has(type)) throw new Error(`${module} has two handlers for ${type}`);
    this.modules.set(module, known.set(type, handle));
  }

  of(module: string, type: string): Handle | undefined {
    return this.modules.get(module)?.get(type);
  }

  /** Whether a message is for a module. Events it does not handle are for others; a command it does not know is its to judge. */
  concerns(module: string, type: string): boolean {
    return moduleOf(type) === module || this.of(module, type) !== undefined;
  }

  /** Every type a module of this process handles. */
  types(module: string): string[] {
    return [...(this.modules.get(module)?.keys() ?? [])];
  }

  /** The modules of this process that handle a type. */
  listening(type: string): string[] {
    return [...this.modules].filter(([, types]) => types.has(type)).map(([module]) => module);
  }
}
