import { Injectable, type OnModuleInit } from '@nestjs/common';
import { elsewhere } from '../failure.js';
import type { Answer, Asked, UseCase } from '../gates/asked.js';
import { isId, uuidOf } from '../id.js';
import { Traffic } from '../messaging/traffic.js';
import { Desk } from './desk.js';
import type { Message } from './index.js';
import { messageNotFound, severalModules } from './ops.failures.js';
import { OpsOptions } from './ops.options.js';
import { ReleaseLoop } from './release-loop.js';
import type { ReleaseMessages } from './release-messages.js';
import type { OfMessage } from './repair.js';

/** The repair desks of all modules of this process, and the way from a message to the one that has it. */
@Injectable()
export class Desks implements OnModuleInit {
  private readonly desks: Desk[];

  constructor(traffic: Traffic, options: OpsOptions) {
    const modules = traffic.all();
    const names = modules.map(({ module }) => module);
    this.desks = modules.map((module) => new Desk(module, names, options));
  }

  /** Before the traffic opens, which starts the loops. */
  onModuleInit(): void {
    for (const desk of this.desks) new ReleaseLoop(desk, this.desks).register();
  }

  /** In the order of their names. */
  all(): Desk[] {
    return [...this.desks].sort((a, b) => (a.module < b.module ? -1 : 1));
  }

  /** The desk of a module, or all; throws `elsewhere` for one that is not in this process. */
  of(module?: string): Desk[] {
    const found = this.all().filter((desk) => module === undefined || desk.module === module);
    if (found.length === 0) throw elsewhere(module!);
    return found;
  }

  /** The desk that has a message; one that had it, so that an act asked for twice is answered again. */
  async holding({ id, module }: OfMessage): Promise<Desk> {
    const desks = this.of(module);
    const names = desks.map((desk) => desk.module);
    if (!isId('msg', id)) throw messageNotFound(id, names);
    const known = await Promise.all(desks.map((desk) => desk.messages.knows(uuidOf(id))));
    const holding = desks.filter((_, i) => known[i]!.holds);
    if (holding.length > 1) {
      const modules = holding.map((desk) => desk.module);
      throw severalModules(id, modules);
    }
    const found = holding[0] ?? desks.find((_, i) => known[i]!.repaired);
    if (!found) throw messageNotFound(id, names);
    return found;
  }

  /** Acts on one message, where it is. */
  async act<C extends OfMessage>(
    asked: Asked<C>,
    useCase: (desk: Desk) => UseCase<C, Message>,
  ): Promise<Answer<Message>> {
    const desk = await this.holding(asked.command);
    return desk.gatherer.gather(useCase(desk), asked);
  }

  /** Begins a release of many messages, in the first module that it concerns. */
  async begin(asked: Asked<ReleaseMessages>): Promise<Answer<unknown>> {
    const [desk] = this.of(asked.command.filter.module) as [Desk];
    return desk.gatherer.gather(desk.releaseMessages, asked);
  }
}
