// Places an order over REST and follows it to its end over Server-Sent Events.
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

const url = process.env.SANMON_URL ?? 'http://localhost:3000';
const authorization = `Bearer ${process.env.SANMON_KEY ?? ''}`;
const ENDS = ['order-confirmed', 'order-rejected', 'order-cancelled'];

interface Order {
  id: string;
  state: string;
  reason?: string;
}
interface OrderUpdate {
  cursor: string;
  type: string;
  order: Order;
}

// The same key for every attempt: however often the request arrives, it is one order.
async function place(order: object): Promise<Order> {
  const headers = { authorization, 'content-type': 'application/json', 'idempotency-key': randomUUID() };
  for (let attempt = 1; ; attempt++) {
    const answer = await fetch(`${url}/v1/orders`, { method: 'POST', headers, body: JSON.stringify(order) }).catch(
      (noAnswer: Error) => noAnswer,
    );
    if (answer instanceof Response && answer.ok) return (await answer.json()) as Order;
    if (answer instanceof Response && answer.status < 500) throw new Error(await answer.text());
    if (attempt === 5) throw new Error(`no answer from ${url}`, { cause: answer });
    await sleep(attempt * 500);
  }
}

// Goes on after the last cursor when the stream breaks: nothing is missed and nothing comes twice.
async function* updatesOf(id: string): AsyncGenerator<OrderUpdate> {
  let cursor = '';
  for (;;) {
    try {
      const headers = { authorization, ...(cursor && { 'last-event-id': cursor }) };
      const answer = await fetch(`${url}/v1/orders/${id}/live`, { headers });
      if (answer.status === 204) return; // nothing more can happen
      if (answer.status < 500 && !answer.ok) throw new Error(await answer.text());
      let unfinished = '';
      for await (const text of answer.ok ? answer.body!.pipeThrough(new TextDecoderStream()) : []) {
        const lines = (unfinished + text).split('\n');
        unfinished = lines.pop()!;
        for (const line of lines.filter((l) => l.startsWith('data: '))) {
          const update = JSON.parse(line.slice('data: '.length)) as OrderUpdate;
          cursor = update.cursor;
          yield update;
        }
      }
    } catch (error) {
      if (!(error instanceof TypeError)) throw error; // fetch's name for a broken connection
    }
    await sleep(2_000);
  }
}

const placed = await place({
  customerId: 'ada',
  email: 'ada@example.com',
  currency: 'JPY',
  lines: [{ sku: 'tea', quantity: 1 }],
  paymentMethod: process.argv[2] ?? 'pm_ok',
});
console.log(placed.id);
for await (const { type, order } of updatesOf(placed.id)) {
  console.log(type);
  if (!ENDS.includes(type)) continue;
  console.log(order.state, order.reason ?? '');
  break;
}
