import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { startEmbeddedPostgres } from '../../src/database/embedded/embedded-postgres.js';

// An application in small, run by embedded-project.ts: starts the database, tells where, and on SIGINT takes half a
// second to finish its work, of which the last step is a write.

const [directory, staging] = process.argv.slice(2) as [string, string];

async function serve(): Promise<void> {
  const postgres = await startEmbeddedPostgres({ directory, staging, onLog: (line) => console.error(line) });
  // The connection is opened now and used last: a server that went down in between would have cut it.
  const client = new Client(postgres.url);
  await client.connect();
  process.once('SIGINT', () => {
    void (async () => {
      await sleep(500);
      await client.query(`insert into note values ('drained')`);
      await client.end();
      await postgres.stop();
      console.log('drained');
      process.exit(0);
    })();
  });
  console.log(postgres.url);
}

serve().catch((error: Error) => {
  console.error(error.message);
  process.exit(1);
});
