import { Caller } from './caller.js';
import { cloneDatabase, dropClone, takeVhost } from './fixtures.js';
import { aHouse, type TestHouse } from './house.js';
import { checkInvariants } from './invariants.js';
import { rowsOf } from './postgres.js';

/** The whole product as the tests of one file use it; reading anything of it earlier throws. */
export interface Lodging {
  readonly house: TestHouse;
  readonly caller: Caller;
  readonly databaseUrl: string;
  readonly brokerUrl: string;
  /** Asks its database. */
  rows<T extends object>(text: string, values?: unknown[]): Promise<T[]>;
}

type Environment = Record<string, string>;

/**
 * The whole product, open on all three gates while the tests of this file run; at the end everything in it must hold.
 * An environment that is only known once something else listens is given as a function; it is told the database.
 */
export function useHouse(environment: Environment | ((databaseUrl: string) => Promise<Environment>) = {}): Lodging {
  let open: { house: TestHouse; caller: Caller; databaseUrl: string; brokerUrl: string } | undefined;
  beforeAll(async () => {
    const databaseUrl = await cloneDatabase();
    const given = typeof environment === 'function' ? await environment(databaseUrl) : environment;
    const brokerUrl = await takeVhost();
    const house = await aHouse({ DATABASE_URL: databaseUrl, RABBITMQ_URL: brokerUrl, ...given });
    open = { house, caller: new Caller(house), databaseUrl, brokerUrl };
  });
  afterAll(async () => {
    if (!open) return;
    try {
      await checkInvariants(open.house);
    } finally {
      open.caller.close();
      await open.house.close();
      await dropClone(open.databaseUrl);
    }
  });
  const opened = () => {
    if (!open) throw new Error('The house is open from beforeAll on: read it inside a test or a hook.');
    return open;
  };
  return {
    get house() {
      return opened().house;
    },
    get caller() {
      return opened().caller;
    },
    get databaseUrl() {
      return opened().databaseUrl;
    },
    get brokerUrl() {
      return opened().brokerUrl;
    },
    rows: (text, values) => rowsOf(opened().databaseUrl, text, values),
  };
}
