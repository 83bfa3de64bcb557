import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { startEmbeddedPostgres } from '../../src/database/embedded/embedded-postgres.js';

// An application in small, run by embedded-project.ts: starts the database, tells where, and on SIGINT takes half a
// second to finish its work, of which the last step is a write.

const [directory, staging] = process.argv.slice(2) as [string, string];

async function drain(postgres: { url: string; stop(): Promise<void> }): Promise<void> {
  await sleep(500);
  const client = new Client(postgres.url);
  await client.connect();
  await client.query(`insert into note values ('drained')`);
  await client.end();
  await postgres.stop();
  console.log('drained');
  process.exit(0);
}

startEmbeddedPostgres({ directory, staging, onLog: (line) => console.error(line) }).then(
  (postgres) => {
    process.once('SIGINT', () => void drain(postgres));
    // Keeps us alive: the database does not.
    setInterval(() => undefined, 60_000);
    console.log(postgres.url);
  },
  (error: Error) => {
    console.error(error.message);
    process.exit(1);
  },
);
