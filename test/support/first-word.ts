import { Client, credentials, Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { WebSocket } from 'ws';
import { schema } from '../../src/gates/grpc/schema.js';
import { codeOf, type Said } from './caller.js';
import { KEY, type TestHouse } from './house.js';
import type { Json } from './shop.js';

export type Stream = 'orders.watch' | 'orders.track';

/** Opens a stream, asks it one thing, and answers the first it says in the form of any other call; then goes away. */
export function firstWord(
  house: TestHouse,
  gate: 'rest' | 'grpc',
  of: Stream,
  input: Json,
  secret = KEY,
): Promise<Said> {
  const authorization = `Bearer ${secret}`;
  if (gate === 'grpc') return overGrpc(house, of, input, authorization);
  return of === 'orders.watch' ? overSse(house, input, authorization) : overWebSocket(house, input, authorization);
}

async function overSse({ rest }: TestHouse, { id, ...query }: Json, authorization: string): Promise<Said> {
  const leave = new AbortController();
  const url = `${rest.originOf('/v1/orders')}/v1/orders/${encodeURIComponent(id)}/live?${new URLSearchParams(query).toString()}`;
  const response = await fetch(url, { headers: { authorization }, signal: leave.signal });
  if (!response.ok) return refusal(String(response.status), await response.text());
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  while (!/^data: .*$/m.test(text)) text += (await reader.read()).value ?? '';
  leave.abort();
  return { code: 'ok', status: '200', result: JSON.parse(/^data: (.*)$/m.exec(text)![1]!), replayed: false, raw: text };
}

/** What is wrong is said before the upgrade as HTTP says it; later in a message, which has no status. */
function overWebSocket({ rest }: TestHouse, input: Json, authorization: string): Promise<Said> {
  const socket = new WebSocket(`${rest.originOf('/v1/orders').replace('http', 'ws')}/v1/live`, {
    headers: { authorization },
  });
  return new Promise((resolve, reject) => {
    socket.on('open', () => socket.send(JSON.stringify(input)));
    socket.on('message', (data: Buffer) => {
      const raw = data.toString();
      const { error, ...result } = JSON.parse(raw);
      resolve({ code: error?.code ?? 'ok', status: '', message: error?.message, result, replayed: false, raw });
      socket.terminate();
    });
    socket.on('unexpected-response', (_, response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => (text += chunk.toString()));
      response.on('end', () => resolve(refusal(String(response.statusCode), text)));
    });
    socket.on('error', reject);
  });
}

const refusal = (status: string, raw: string): Said => {
  const { code, detail: message } = JSON.parse(raw);
  return { code, status, message, replayed: false, raw };
};

function overGrpc(house: TestHouse, of: Stream, input: Json, authorization: string): Promise<Said> {
  const rpc = { 'orders.watch': 'WatchOrder', 'orders.track': 'TrackOrders' }[of];
  const { resolvedRequestType } = schema().lookupService('sanmon.orders.v1.OrdersService').methods[rpc]!;
  const type = resolvedRequestType!;
  const client = new Client(house.grpcAddressOf('orders'), credentials.createInsecure());
  const metadata = new Metadata();
  metadata.set('authorization', authorization);
  const path = `/sanmon.orders.v1.OrdersService/${rpc}`;
  const bytes = (request: Buffer): Buffer => request;
  const call = client.makeBidiStreamRequest(path, bytes, bytes, metadata);
  call.write(Buffer.from(type.encode(type.fromObject(input)).finish()));
  if (of === 'orders.watch') call.end();
  return new Promise<Said>((resolve) => {
    call.on('data', (update: Buffer) => {
      resolve({ code: 'ok', status: 'OK', replayed: false, raw: update.toString('base64') });
      call.cancel();
    });
    call.on('error', ({ code, details: message, metadata: trailers }: ServiceError) => {
      const details = trailers.get('grpc-status-details-bin')[0] as Buffer | undefined;
      resolve({
        code: codeOf(details),
        status: status[code],
        message,
        replayed: false,
        raw: details?.toString('base64') ?? '',
      });
    });
  }).finally(() => client.close());
}
