/** What the repair desk is told by the settings. */
export abstract class OpsOptions {
  /** Days for which a parked command may be released; after them nobody may remember that a copy of it was done. */
  abstract readonly releaseWithinDays: number;
}
