import { setTimeout as sleep } from 'node:timers/promises';
import type { HouseProcess } from '../../support/process.js';
import type { RestClient } from '../../support/rest-client.js';

/** A probe that is not answered in this time says nothing; only so many in a row are a no, as balancers have it. */
const PROBE_MS = 1_000;
const UNANSWERED = 3;
const EVERY_MS = 100;

/** Sends each call to the next replica whose /readyz said yes last; asks each of them again and again, as balancers do. */
export class Balancer {
  private readonly ready = new Set<HouseProcess>();
  private readonly unanswered = new Map<HouseProcess, number>();
  private turn = 0;
  private running = true;
  private asking: Promise<unknown> = Promise.resolve();

  private constructor(private readonly houses: HouseProcess[]) {}

  /** Stands before these replicas, started or not, and knows which of them are ready. */
  static async before(houses: HouseProcess[]): Promise<Balancer> {
    const balancer = new Balancer(houses);
    await Promise.all(houses.map((house) => balancer.ask(house)));
    // Each by itself: one that is slow to answer says nothing about the others.
    balancer.asking = Promise.all(houses.map((house) => balancer.goOn(house)));
    return balancer;
  }

  /** Where none is ready a call goes to whoever only says nothing, as balancers have it that fail open; else it is a house's to say no. */
  readonly at = (): RestClient => {
    const ready = this.houses.filter((house) => this.ready.has(house));
    const silent = this.houses.filter((house) => (this.unanswered.get(house) ?? 0) > 0);
    const among = [ready, silent, this.houses].find(({ length }) => length > 0)!;
    return among[this.turn++ % among.length]!.rest;
  };

  async close(): Promise<void> {
    this.running = false;
    await this.asking;
  }

  private async goOn(house: HouseProcess): Promise<void> {
    for (; this.running; await sleep(EVERY_MS)) await this.ask(house);
  }

  /** Refused or 503 is a no at once. */
  private async ask(house: HouseProcess): Promise<void> {
    const answer = fetch(`${house.rest.origin}/readyz`, { signal: AbortSignal.timeout(PROBE_MS) });
    const said = await answer.then(
      ({ status }) => (status === 200 ? 'yes' : 'no'),
      (error: Error) => (error.name === 'TimeoutError' ? 'nothing' : 'no'),
    );
    const unanswered = said === 'nothing' ? (this.unanswered.get(house) ?? 0) + 1 : 0;
    this.unanswered.set(house, unanswered);
    if (said === 'yes') this.ready.add(house);
    else if (said === 'no' || unanswered >= UNANSWERED) this.ready.delete(house);
  }
}
