import { createServer, connect, type Server, type Socket } from 'node:net';
import { Database, isConnectionError } from '../../src/database/database.js';
import { dataSourceFor } from '../../src/database/data-sources.js';
import { sql } from '../../src/database/statement.js';
import type { Tx } from '../../src/database/transaction.js';
import { eventually } from '../support/eventually.js';
import { useDatabase } from '../support/fixtures.js';

const given = useDatabase();
const INSERT = sql('test.insert', 'INSERT INTO public.notes (text) VALUES ($1)');
const writing = (texts: string[]) => ({
  statement: sql('test.insert-all', 'INSERT INTO public.notes (text) SELECT unnest($1::text[])'),
  values: [texts],
});
const NOTES = sql('test.notes', 'SELECT text FROM public.notes ORDER BY id');
const notes = async (database: Database): Promise<string[]> =>
  (await database.rows<{ text: string }>(NOTES)).map((r) => r.text);

async function open(url: string): Promise<Database> {
  return new Database(await dataSourceFor(url, []).initialize());
}

let database: Database;
beforeAll(async () => {
  database = await open(given.url);
  await database.dataSource.query('CREATE TABLE public.notes (id serial, text text UNIQUE)');
});
beforeEach(() => database.dataSource.query('TRUNCATE public.notes'));
afterAll(() => database.dataSource.destroy());

describe('a transaction', () => {
  it('writes what was collected with one statement before it commits, and hints only then', async () => {
    const said: string[] = [];
    await database.transaction(async (tx) => {
      const write = (rows: string[]) => {
        said.push(`write ${rows.join()}`);
        return { ...writing(rows), then: () => said.push('written') };
      };
      tx.afterCommit(() => said.push('committed'));
      tx.collect(said, ['a'], write);
      tx.collect(said, ['b'], write);
      expect(said).toEqual([]);
    });
    expect(said).toEqual(['write a,b', 'written', 'committed']);
    expect(await notes(database)).toEqual(['a', 'b']);
  });

  it('forgets what a failed savepoint wrote, collected and hinted, and nothing else', async () => {
    const hints: string[] = [];
    const owner = {};
    await database.transaction(async (tx) => {
      tx.collect(owner, ['kept'], writing);
      tx.afterCommit(() => hints.push('kept'));
      await tx
        .savepoint(async () => {
          await tx.run(INSERT, ['lost at once']);
          tx.collect(owner, ['lost later'], writing);
          tx.afterCommit(() => hints.push('lost'));
          throw new Error('undo');
        })
        .catch(() => undefined);
    });
    expect(await notes(database)).toEqual(['kept']);
    expect(hints).toEqual(['kept']);
  });

  it('that goes on after one of its statements failed is an error, because PostgreSQL keeps nothing of it', async () => {
    const hints: string[] = [];
    const careless = database.transaction(async (tx) => {
      await tx.run(INSERT, ['lost']);
      await tx.run(INSERT, ['lost']).catch(() => undefined);
      tx.afterCommit(() => hints.push('committed'));
    });
    await expect(careless).rejects.toThrow('rolled back');
    expect([await notes(database), hints]).toEqual([[], []]);
  });

  it('is undone whole when one of the statements that leave together fails, with the error of that one', async () => {
    const twice = database.transaction(async (tx) => {
      for (const text of ['first', 'again', 'again', 'last']) tx.collect({}, [text], writing);
    });
    await expect(twice).rejects.toMatchObject({ code: '23505' });
    expect(await notes(database)).toEqual([]);
    await database.transaction(async (tx) => void (await tx.run(INSERT, ['the connection is as good as before'])));
    expect(await notes(database)).toHaveLength(1);
  });

  it('runs what is only written before what is asked next, and all of it before it is committed', async () => {
    let seen: string[] = [];
    await database.transaction(async (tx) => {
      tx.write(INSERT, ['first']);
      tx.write(INSERT, ['second']);
      seen = (await tx.rows<{ text: string }>(NOTES)).map(({ text }) => text);
      tx.write(INSERT, ['third']);
    });
    expect(seen).toEqual(['first', 'second']);
    expect(await notes(database)).toEqual(['first', 'second', 'third']);
  });

  it('fails with the error of what was written, wherever that shows: at the next question or at its end', async () => {
    const twice = (after: (tx: Tx) => Promise<unknown>) =>
      database.transaction(async (tx) => {
        tx.write(INSERT, ['again']);
        tx.write(INSERT, ['again']);
        await after(tx);
      });
    for (const after of [(tx: Tx) => tx.rows(NOTES), (tx: Tx) => tx.at()])
      await expect(twice(after)).rejects.toMatchObject({ code: '23505' });
    expect(await notes(database)).toEqual([]);
  });

  it('fails with what the failure of a write means to its writer', async () => {
    const taken = new Error('taken');
    const twice = database.transaction(async (tx) => {
      tx.write(INSERT, ['again']);
      tx.write(INSERT, ['again'], (error) => ((error as { code?: string }).code === '23505' ? taken : error));
    });
    await expect(twice).rejects.toBe(taken);
    expect(await notes(database)).toEqual([]);
  });

  it('undoes a savepoint, and no more, when what was written within it fails', async () => {
    await database.transaction(async (tx) => {
      tx.write(INSERT, ['kept']);
      const inner = tx.savepoint(async () => {
        tx.write(INSERT, ['lost']);
        tx.write(INSERT, ['kept']);
      });
      await expect(inner).rejects.toMatchObject({ code: '23505' });
      tx.write(INSERT, ['after']);
    });
    expect(await notes(database)).toEqual(['kept', 'after']);
  });

  it('that only writes is a transaction too', async () => {
    await database.transaction(async (tx) => tx.write(INSERT, ['alone']));
    expect(await notes(database)).toEqual(['alone']);
  });

  it('leaves nothing behind, and the connection usable, when it is given up before what was written has left', async () => {
    const given = database.transaction(async (tx) => {
      tx.write(INSERT, ['never']);
      throw new Error('given up');
    });
    await expect(given).rejects.toThrow('given up');
    expect(await notes(database)).toEqual([]);
  });

  it('tells when it began, by the clock of the database, which is the time its rows bear', async () => {
    const [at, now] = await database.transaction(async (tx) => {
      tx.write(INSERT, ['a']);
      const at = await tx.at();
      const [{ now }] = (await tx.rows<{ now: Date }>(sql('test.now', 'SELECT now()'))) as [{ now: Date }];
      return [at, now];
    });
    expect(at).toEqual(now);
  });

  it('is run again as a whole when it lost a race that running again can win', async () => {
    let runs = 0;
    await database.transaction(async (tx) => {
      if (++runs < 3) throw Object.assign(new Error('deadlock'), { code: '40P01' });
      await tx.run(INSERT, ['third']);
    });
    expect([runs, await notes(database)]).toEqual([3, ['third']]);
  });
});

describe('an array of texts', () => {
  const BACK = sql('test.back', 'SELECT $1::text[] AS texts, cardinality($1::text[]) AS n');
  const back = async (texts: unknown[]) => (await database.rows<{ texts: unknown[]; n: number }>(BACK, [texts]))[0];

  it('comes back as it went, whatever is in it', async () => {
    const texts = ['', ' ', 'NULL', null, '"', '\\', '{a,b}', 'a,b', "'", '\n\r\t', 'ご注文', '🍵', 'x'.repeat(70_000)];
    expect(await back(texts)).toEqual({ texts, n: texts.length });
    expect(await back([])).toEqual({ texts: [], n: 0 });
    expect(await back([null])).toEqual({ texts: [null], n: 1 });
  });

  it('that holds something else goes the way of the driver', async () => {
    expect(await back(['a', 1, { b: 2 }])).toEqual({ texts: ['a', '1', '{"b":2}'], n: 3 });
  });

  it('with a character that PostgreSQL does not store is refused by it', async () => {
    await expect(back(['a\0b'])).rejects.toMatchObject({ code: '22021' });
  });
});

describe('a COMMIT whose answer is lost', () => {
  let proxy: Server;
  let sabotage: ((client: Socket, server: Socket, data: Buffer) => boolean) | undefined;
  let through: Database;

  beforeAll(async () => {
    const { hostname, port } = new URL(given.url);
    proxy = createServer((client) => {
      const server = connect(Number(port), hostname);
      client.on('data', (data) => {
        if (data.includes('COMMIT') && sabotage?.(client, server, data)) return;
        server.write(data);
      });
      server.on('data', (data) => client.write(data));
      for (const [one, other] of [
        [client, server],
        [server, client],
      ] as const) {
        one.on('error', () => other.destroy());
        one.on('close', () => other.destroy());
      }
    });
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    const url = new URL(given.url);
    url.port = String((proxy.address() as { port: number }).port);
    through = await open(url.href);
  });
  afterAll(async () => {
    await through.dataSource.destroy();
    proxy.close();
  });

  it('is found to have happened, and the work is not run again', async () => {
    let runs = 0;
    sabotage = (client, server, data) => {
      sabotage = undefined;
      server.removeAllListeners('data');
      server.write(data);
      server.once('data', () => client.destroy());
      return true;
    };
    await through.transaction(async (tx) => {
      runs++;
      await tx.run(INSERT, ['once']);
    });
    expect([runs, await notes(database)]).toEqual([1, ['once']]);
  });

  it('is found not to have happened when it never reached the server', async () => {
    sabotage = (client, server) => {
      sabotage = undefined;
      client.destroy();
      server.destroy();
      return true;
    };
    const hints: string[] = [];
    const lost = through.transaction(async (tx) => {
      tx.afterCommit(() => hints.push('committed'));
      await tx.run(INSERT, ['never']);
    });
    const error: unknown = await lost.then(
      () => 'it did not fail',
      (reason: unknown) => reason,
    );
    expect(isConnectionError(error)).toBe(true);
    expect(hints).toEqual([]);
    await eventually(async () => expect(await notes(database)).toEqual([]));
  });
});
