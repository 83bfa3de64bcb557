import { connect } from 'amqplib';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Waits until this address accepts an AMQP connection, 60 s at most.
 * `ended` says why waiting has become pointless; its answer becomes the error.
 */
export async function awaitAmqp(url: string, ended: () => string | undefined, within = 60_000): Promise<void> {
  const deadline = performance.now() + within;
  for (;;) {
    try {
      return await answersAmqp(url);
    } catch (error) {
      const reason = ended();
      if (reason !== undefined) throw new Error(reason, { cause: error });
      if (performance.now() > deadline) throw new Error(`No AMQP after ${within} ms.`, { cause: error });
      await sleep(50);
    }
  }
}

/** Opens one AMQP connection and closes it again; throws if the server refuses it. */
export async function answersAmqp(url: string): Promise<void> {
  const connection = await connect(url, { timeout: 5_000 });
  connection.on('error', () => undefined);
  await connection.close();
}
