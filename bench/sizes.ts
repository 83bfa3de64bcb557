/** How much of everything one run does. Seconds unless the name says otherwise. */
export interface Sizes {
  rounds: number;
  warmUp: number;
  /** Load of the whole story, closed loop. */
  story: number;
  /** Load of the other closed loops. */
  short: number;
  /** Each of the three stretches of the spike. */
  spike: number;
  /** At 50 orders a second. */
  latency: number;
  waitingOrders: number;
  grownOrders: number;
  /** Orders whose cost is compared, in an almost empty and in a grown database. */
  sliceOrders: number;
  watchers: number;
  watchedOrders: number;
}

export const SIZES: Record<'smoke' | 'quick' | 'full', Sizes> = {
  smoke: {
    rounds: 1,
    warmUp: 0.3,
    story: 0.5,
    short: 0.5,
    spike: 0.5,
    latency: 1,
    waitingOrders: 200,
    grownOrders: 300,
    sliceOrders: 100,
    watchers: 20,
    watchedOrders: 1,
  },
  quick: {
    rounds: 2,
    warmUp: 2,
    story: 3,
    short: 2,
    spike: 2,
    latency: 4,
    waitingOrders: 10_000,
    grownOrders: 50_000,
    sliceOrders: 4_000,
    watchers: 1_000,
    watchedOrders: 3,
  },
  full: {
    rounds: 3,
    warmUp: 5,
    story: 15,
    short: 10,
    spike: 8,
    latency: 30,
    waitingOrders: 200_000,
    grownOrders: 1_000_000,
    sliceOrders: 20_000,
    watchers: 1_000,
    watchedOrders: 10,
  },
};

/** As many as the targets name. */
export const CLIENTS = 64;
