import type { OrderState } from './index.js';
import { orderNotCancellable, storyBug, windowOver } from './orders.failures.js';
import type { Failure } from '../failure.js';

/** Everything that can happen to an order once it is placed. */
export type Happening =
  | 'payment-authorised'
  | 'payment-declined'
  | 'stock-reserved'
  | 'stock-refused'
  | 'payment-captured'
  | 'capture-refused'
  | 'cancel'
  | 'payment-undone'
  | 'stock-undone'
  | 'stock-sold'
  | 'refund-settled'
  | 'stalled';

/** What orders tells the other modules to do. */
export type Instruction = 'authorise' | 'reserve' | 'capture' | 'sell' | 'undo-payment' | 'undo-stock';

export type TimelineType =
  | 'order-placed'
  | 'order-authorised'
  | 'order-reserved'
  | 'order-confirmed'
  | 'order-closing'
  | 'order-rejected'
  | 'order-cancelled'
  | 'payment-undone'
  | 'stock-undone'
  | 'payment-refunded';

export type Ending = 'REJECTED' | 'CANCELLED';

/** What the story needs to know of an order; the rest of it never decides anything. */
export interface Situation {
  state: OrderState;
  ending?: Ending;
  paymentUndone: boolean;
  stockUndone: boolean;
  /** CONFIRMED longer ago than the cancel window, by the database's clock. */
  windowOver: boolean;
}

/** What one happening changes: nothing given, nothing changed. */
export interface Step {
  state?: OrderState;
  ending?: Ending;
  reason?: string;
  paymentUndone?: boolean;
  stockUndone?: boolean;
  entries?: TimelineType[];
  send?: Instruction[];
  /** Said aloud to the operator. */
  alarm?: string;
  /** The happening itself is refused; the order stays as it is. */
  refused?: Failure;
}

/** `reason` is the one that came with the happening: why a payment was declined, who cancelled. */
type Cell = (order: Situation, reason: string) => Step;

const ignore: Cell = () => ({});
const bug: Cell = () => ({ refused: storyBug() });

const go =
  (state: OrderState, entry: TimelineType, ...send: Instruction[]): Cell =>
  () => ({ state, entries: [entry], send });

const reject: Cell = (_order, reason) => ({ state: 'REJECTED', reason, entries: ['order-rejected'] });

/** CLOSING: money and goods are called back. When reserve was never sent, stock counts as undone. */
const close =
  (ending: Ending, why?: string, reserveWasSent = true): Cell =>
  (_order, reason) => ({
    state: 'CLOSING',
    ending,
    reason: why ?? reason,
    paymentUndone: false,
    stockUndone: !reserveWasSent,
    entries: ['order-closing'],
    send: reserveWasSent ? ['undo-payment', 'undo-stock'] : ['undo-payment'],
  });

const late =
  (undo: Instruction, alarm: string): Cell =>
  () => ({ send: [undo], alarm });

/** One side is undone; with both, the order has reached its ending. */
const undone =
  (side: 'paymentUndone' | 'stockUndone', entry: TimelineType): Cell =>
  (order) => {
    if (order[side]) return {};
    const both = order.paymentUndone || order.stockUndone;
    if (!both) return { [side]: true, entries: [entry] };
    const last = order.ending === 'CANCELLED' ? 'order-cancelled' : 'order-rejected';
    return { [side]: true, state: order.ending ?? 'REJECTED', entries: [entry, last] };
  };

const again =
  (send: Instruction): Cell =>
  () => ({ send: [send], alarm: `stalled: sends ${send} again` });

const undoAgain: Cell = (order) => {
  const send: Instruction[] = [];
  if (!order.paymentUndone) send.push('undo-payment');
  if (!order.stockUndone) send.push('undo-stock');
  return { send, alarm: `stalled while closing: sends ${send.join(' and ')} again` };
};

const cancelConfirmed: Cell = (order, reason) =>
  order.windowOver ? { refused: windowOver() } : close('CANCELLED')(order, reason);

const cancelRejected: Cell = () => ({ refused: orderNotCancellable() });

const lateMoney = late('undo-payment', 'money arrived for an order that has ended: it is called back');
const lateStock = late('undo-stock', 'goods were reserved for an order that has ended: they are called back');

/** docs/story.md, "Order", cell by cell. Correctness never rests on order of arrival: every cell is defined. */
export const story: Record<OrderState, Record<Happening, Cell>> = {
  PLACED: {
    'payment-authorised': go('AUTHORISED', 'order-authorised', 'reserve'),
    'payment-declined': reject,
    'stock-reserved': bug,
    'stock-refused': bug,
    'payment-captured': bug,
    'capture-refused': bug,
    cancel: close('CANCELLED', undefined, false),
    'payment-undone': bug,
    'stock-undone': bug,
    'stock-sold': bug,
    'refund-settled': bug,
    stalled: again('authorise'),
  },
  AUTHORISED: {
    'payment-authorised': ignore,
    'payment-declined': bug,
    'stock-reserved': go('RESERVED', 'order-reserved', 'capture'),
    'stock-refused': close('REJECTED', 'out-of-stock'),
    'payment-captured': bug,
    'capture-refused': bug,
    cancel: close('CANCELLED'),
    'payment-undone': bug,
    'stock-undone': bug,
    'stock-sold': bug,
    'refund-settled': bug,
    stalled: again('reserve'),
  },
  RESERVED: {
    'payment-authorised': ignore,
    'payment-declined': bug,
    'stock-reserved': ignore,
    'stock-refused': bug,
    'payment-captured': go('CONFIRMED', 'order-confirmed', 'sell'),
    'capture-refused': close('REJECTED', 'capture-failed'),
    cancel: close('CANCELLED'),
    'payment-undone': bug,
    'stock-undone': bug,
    'stock-sold': bug,
    'refund-settled': bug,
    stalled: again('capture'),
  },
  CONFIRMED: {
    'payment-authorised': ignore,
    'payment-declined': bug,
    'stock-reserved': ignore,
    'stock-refused': bug,
    'payment-captured': ignore,
    'capture-refused': bug,
    cancel: cancelConfirmed,
    'payment-undone': bug,
    'stock-undone': bug,
    'stock-sold': ignore,
    'refund-settled': () => ({ entries: ['payment-refunded'] }),
    stalled: ignore,
  },
  CLOSING: {
    'payment-authorised': ignore,
    'payment-declined': ignore,
    'stock-reserved': ignore,
    'stock-refused': ignore,
    'payment-captured': ignore,
    'capture-refused': ignore,
    cancel: ignore,
    'payment-undone': undone('paymentUndone', 'payment-undone'),
    'stock-undone': undone('stockUndone', 'stock-undone'),
    'stock-sold': ignore,
    'refund-settled': ignore,
    stalled: undoAgain,
  },
  REJECTED: {
    'payment-authorised': lateMoney,
    'payment-declined': ignore,
    'stock-reserved': lateStock,
    'stock-refused': ignore,
    'payment-captured': lateMoney,
    'capture-refused': ignore,
    cancel: cancelRejected,
    'payment-undone': ignore,
    'stock-undone': ignore,
    'stock-sold': bug,
    'refund-settled': ignore,
    stalled: ignore,
  },
  CANCELLED: {
    'payment-authorised': lateMoney,
    'payment-declined': ignore,
    'stock-reserved': lateStock,
    'stock-refused': ignore,
    'payment-captured': lateMoney,
    'capture-refused': ignore,
    cancel: ignore,
    'payment-undone': ignore,
    'stock-undone': ignore,
    'stock-sold': ignore,
    'refund-settled': ignore,
    stalled: ignore,
  },
};
