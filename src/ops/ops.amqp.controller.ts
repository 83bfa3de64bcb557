import type { CommandReception, QueryReception } from '../gates/amqp/command-reception.js';
import { DESK } from '../gates/amqp/routing.js';
import type { Asked } from '../gates/asked.js';
import { Receiver, Receives } from '../messaging/receives.js';
import { DiscardMessage } from './discard-message.js';
import { GetMessage } from './get-message.js';
import { GetOperation } from './get-operation.js';
import { ListAudit } from './list-audit.js';
import { ListMessages } from './list-messages.js';
import { OpsUseCases } from './ops.use-cases.js';
import { ReleaseMessage } from './release-message.js';
import { ReleaseMessages } from './release-messages.js';
import { ReplaceMessage } from './replace-message.js';

/** The repair desk over RabbitMQ; the routing key says which module's process is meant. */
@Receiver(DESK)
export class OpsAmqpController {
  constructor(private readonly on: OpsUseCases) {}

  @Receives(ListMessages)
  list(set: Asked<ListMessages>[], { each }: QueryReception) {
    return each(set, (asked) => this.on.ask(asked, this.on.listMessages));
  }

  @Receives(GetMessage)
  get(set: Asked<GetMessage>[], { each }: QueryReception) {
    return each(set, (asked) => this.on.ask(asked, this.on.getMessage));
  }

  @Receives(ReleaseMessages)
  releaseMany(set: Asked<ReleaseMessages>[], { each }: CommandReception) {
    return each(set, (asked) => this.on.begin(asked));
  }

  @Receives(ReleaseMessage)
  release(set: Asked<ReleaseMessage>[], { each }: CommandReception) {
    return each(set, (asked) => this.on.act(asked, (desk) => desk.releaseMessage));
  }

  @Receives(ReplaceMessage)
  replace(set: Asked<ReplaceMessage>[], { each }: CommandReception) {
    return each(set, (asked) => this.on.act(asked, (desk) => desk.replaceMessage));
  }

  @Receives(DiscardMessage)
  discard(set: Asked<DiscardMessage>[], { each }: CommandReception) {
    return each(set, (asked) => this.on.act(asked, (desk) => desk.discardMessage));
  }

  @Receives(GetOperation)
  operation(set: Asked<GetOperation>[], { each }: QueryReception) {
    return each(set, (asked) => this.on.ask(asked, this.on.getOperation));
  }

  @Receives(ListAudit)
  audit(set: Asked<ListAudit>[], { each }: QueryReception) {
    return each(set, (asked) => this.on.ask(asked, this.on.listAudit));
  }
}
