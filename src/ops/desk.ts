import { Execution } from '../gates/execution.js';
import { Gatherer } from '../gates/gatherer.js';
import type { ModuleTraffic } from '../messaging/module-traffic.js';
import { Acts } from './acts.js';
import { BulkReleases } from './bulk-releases.js';
import { DiscardMessageHandler } from './discard-message.js';
import type { OpsOptions } from './ops.options.js';
import { ReleaseMessageHandler } from './release-message.js';
import { ReleaseMessagesHandler } from './release-messages.js';
import type { Bench } from './repair.js';
import { ReplaceMessageHandler } from './replace-message.js';
import { StoredMessages } from './stored-messages.js';

/** The repair desk of one module: its acts run as sets in the database in which its messages are. */
export class Desk implements Bench {
  readonly module: string;
  readonly messages: StoredMessages;
  readonly acts: Acts;
  readonly releases: BulkReleases;
  readonly gatherer: Gatherer;
  readonly releaseMessage: ReleaseMessageHandler;
  readonly replaceMessage: ReplaceMessageHandler;
  readonly discardMessage: DiscardMessageHandler;
  readonly releaseMessages: ReleaseMessagesHandler;

  constructor(
    readonly traffic: ModuleTraffic,
    modules: string[],
    options: OpsOptions,
  ) {
    const { module, database, inbox } = traffic;
    this.module = module;
    this.messages = new StoredMessages(module, database, inbox, options.releaseWithinDays);
    this.acts = new Acts(module, database);
    this.releases = new BulkReleases(module, database);
    this.gatherer = new Gatherer(new Execution(module, database));
    this.releaseMessage = new ReleaseMessageHandler(this);
    this.replaceMessage = new ReplaceMessageHandler(this);
    this.discardMessage = new DiscardMessageHandler(this);
    this.releaseMessages = new ReleaseMessagesHandler(this, modules);
  }
}
