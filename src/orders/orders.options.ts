/** What orders is told by the settings. */
export abstract class OrdersOptions {
  /** Hours after CONFIRMED in which an order can still be cancelled. */
  abstract readonly cancelWindowHours: number;
  /** Hours after which an order that has not ended is looked at. */
  abstract readonly stalledHours: number;
}
