import { Injectable, Logger } from '@nestjs/common';
import type { Tx } from '../database/transaction.js';
import type { Failure } from '../failure.js';
import { about } from '../messaging/about.js';
import { type MessageClass, messageOf } from '../messaging/contract.js';
import type { Message } from '../messaging/message.js';
import { Outbox } from '../messaging/outbox/outbox.js';
import { Allotment, type Asking } from './allotment.js';
import { type Hold, HoldsRepository } from './holds.repository.js';
import {
  type OrderStock,
  ReserveStock,
  SellStock,
  StockRefused,
  StockReleased,
  StockReserved,
  StockSold,
  StockUndone,
  UndoStock,
} from './index.js';
import { InventoryRepository } from './inventory.repository.js';
import type { Answer, Instruction, Step } from './stock.js';

const INSTRUCTIONS = new Map<string, Instruction>([
  [messageOf(ReserveStock).type, 'reserve'],
  [messageOf(SellStock).type, 'sell'],
  [messageOf(UndoStock).type, 'undo'],
]);

const EVENTS: Record<Answer, [MessageClass, (stock: OrderStock) => object]> = {
  reserved: [StockReserved, (stock) => stock],
  refused: [StockRefused, (stock) => stock],
  sold: [StockSold, (stock) => stock],
  released: [StockReleased, (stock) => stock],
  undone: [StockUndone, ({ orderId }) => ({ orderId })],
};

interface Decided extends Asking {
  step: Step;
  trace?: string;
}

/** Reserves, sells and gives back the goods of orders: all instructions of a set in one go, so items are locked once, in one order. */
@Injectable()
export class MoveStock {
  private readonly logger = new Logger('Inventory');

  constructor(
    private readonly items: InventoryRepository,
    private readonly holds: HoldsRepository,
    private readonly outbox: Outbox,
  ) {}

  async handle(tx: Tx, messages: Message<ReserveStock | SellStock | UndoStock>[]): Promise<(Failure | undefined)[]> {
    const holds = await this.holds.forUpdate(
      tx,
      messages.map((m) => m.body.orderId),
    );
    const asked = messages.map((message) => asking(message, holds.get(message.body.orderId)));
    const items = await this.items.forUpdate(tx, skusToLock(asked));
    const allotment = new Allotment([...items.values()]);
    const decided = asked.map((one, i) => ({ ...one, step: allotment.decide(one), trace: messages[i]!.trace }));
    this.items.move(
      tx,
      allotment.sums().map((sum) => ({ ...sum, received: 0, version: 1 })),
    );
    await this.write(tx, decided);
    decided.forEach((one) => this.tell(tx, one));
    return decided.map(({ step }) => step.refused);
  }

  private async write(tx: Tx, decided: Decided[]): Promise<void> {
    const holds = (isNew: boolean): Hold[] =>
      decided.flatMap(({ orderId, standing, lines, step }) =>
        step.state && (standing === 'none') === isNew ? [{ orderId, state: step.state, lines }] : [],
      );
    await this.holds.add(tx, holds(true));
    this.holds.update(tx, holds(false));
  }

  /** Answers, also when it was answered before; what cannot happen is said aloud. */
  private tell(tx: Tx, { orderId, standing, instruction, lines, step, trace }: Decided): void {
    if (step.refused)
      this.logger.error(
        `${orderId} ${standing}, ${instruction}: ${step.refused.message}`,
        about({ key: orderId, trace }),
      );
    for (const answer of step.answers) {
      const [type, body] = EVENTS[answer];
      this.outbox.publish(tx, type, [body({ orderId, lines })], trace);
    }
  }
}

function asking({ type, body }: Message<ReserveStock | SellStock | UndoStock>, hold?: Hold): Asking {
  const lines = 'lines' in body ? body.lines : (hold?.lines ?? []);
  return { orderId: body.orderId, instruction: INSTRUCTIONS.get(type)!, standing: hold?.state ?? 'none', lines };
}

/**
 * Also the items of repeats: a later wave of the same transaction, which brings further messages of these orders only,
 * then finds everything locked already and cannot wait in a circle with another transaction.
 */
const skusToLock = (asked: Asking[]): string[] => [
  ...new Set(
    asked
      .filter(({ standing }) => standing !== 'REFUSED' && standing !== 'GONE')
      .flatMap(({ lines }) => lines.map(({ sku }) => sku)),
  ),
];
