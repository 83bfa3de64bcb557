import type { AddressInfo } from 'node:net';
import { credentials, makeClientConstructor, Metadata } from '@grpc/grpc-js';
import { Logger } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { SMTPServer } from 'smtp-server';
import { Database } from '../../src/database/database.js';
import { dataSourceFor, opened } from '../../src/database/data-sources.js';
import { Tx } from '../../src/database/transaction.js';
import { Failure } from '../../src/failure.js';
import type { Asked } from '../../src/gates/asked.js';
import { GatesModule } from '../../src/gates/gates.module.js';
import { grpcService } from '../../src/gates/grpc/definition.js';
import { GrpcGate } from '../../src/gates/grpc/grpc.server.js';
import { configureHttp } from '../../src/gates/http/http.js';
import { operationOf } from '../../src/gates/operation.js';
import { newId } from '../../src/id.js';
import { type MessageClass, messageOf } from '../../src/messaging/contract.js';
import { Effects } from '../../src/messaging/effects/effects.js';
import { Handlers } from '../../src/messaging/handlers.js';
import type { Message } from '../../src/messaging/message.js';
import { MessagesStrategy } from '../../src/messaging/messages.strategy.js';
import { MessagingModule } from '../../src/messaging/messaging.module.js';
import { Signature } from '../../src/messaging/outbox/signature.js';
import { Traffic } from '../../src/messaging/traffic.js';
import { channelFor } from '../../src/notifications/channels/channel-for.js';
import { EmailEffect } from '../../src/notifications/email.effect.js';
import type { Notification } from '../../src/notifications/index.js';
import {
  ListNotifications,
  ListNotificationsHandler,
  type NotificationPage,
} from '../../src/notifications/list-notifications.js';
import { NotificationSchema } from '../../src/notifications/notification.schema.js';
import { NotificationsModule } from '../../src/notifications/notifications.module.js';
import { NotificationsRepository } from '../../src/notifications/notifications.repository.js';
import { notificationsStorage } from '../../src/notifications/notifications.storage.js';
import { WriteNotification } from '../../src/notifications/write-notification.js';
import { type Order, OrderCancelled, OrderConfirmed, OrderRejected } from '../../src/orders/index.js';
import { ordersStorage } from '../../src/orders/orders.storage.js';
import { eventually } from '../support/eventually.js';
import { useDatabase } from '../support/fixtures.js';
import { type SmtpSink, startSmtpSink } from '../support/smtp-sink.js';

const FROM = 'Sanmon <orders@sanmon.example>';
const READER = 'reader:read-them:notifications:read';
const STRANGER = 'stranger:sees-nothing:orders:read';

/** An order as the events carry it. */
const order = (with_: Partial<Order> = {}): Order => ({
  id: newId('ord'),
  state: 'CONFIRMED',
  customerId: 'cus_1',
  email: 'a@example.com',
  currency: 'JPY',
  lines: [{ sku: 'TEA', name: 'Tea', quantity: 2, unitPrice: 600, amount: 1200 }],
  total: 1200,
  paymentMethod: 'pm_ok',
  locale: 'en',
  version: 4,
  createdAt: '2026-01-02T03:04:05.678Z',
  updatedAt: '2026-01-02T03:04:05.678Z',
  ...with_,
});

/** The notifications module behind its gates, with orders' outbox beside it to publish from. */
async function openHouse(databaseUrl: string, smtpUrl?: string) {
  const storages = [ordersStorage, notificationsStorage];
  const source = await opened(dataSourceFor(databaseUrl, storages), storages);
  const database = new Database(source);
  const modules = new Map(storages.map(({ schema }) => [schema, database]));
  const signature = new Signature('a secret of this test');
  const traffic = new Traffic({ modules, retentionDays: 30, signature }, new Handlers());
  const house = {
    module: class House {},
    imports: [
      MessagingModule.forRoot(traffic),
      GatesModule.forRoot({ text: `${READER};${STRANGER}` }),
      NotificationsModule.forRoot({ channel: channelFor({ smtpUrl, from: FROM }) }),
    ],
  };
  const app = await NestFactory.create<NestExpressApplication>(house, { bodyParser: false, logger: false });
  configureHttp(app);
  const grpc = new GrpcGate({ host: '127.0.0.1', port: 0, modules: ['notifications'] });
  app.connectMicroservice({ strategy: grpc }, { inheritAppConfig: true });
  app.connectMicroservice({ strategy: new MessagesStrategy(traffic.handlers, traffic) }, { inheritAppConfig: true });
  await app.startAllMicroservices();
  await app.listen(0, '127.0.0.1');
  const http = `http://127.0.0.1:${(app.getHttpServer().address() as AddressInfo).port}`;
  return {
    app,
    source,
    database,
    publish: <B extends Order>(type: MessageClass<B>, bodies: B[]) =>
      database.transaction(async (tx) => traffic.of('orders').outbox.publish(tx, type, bodies)),
    ask: (query: string, secret = 'read-them') =>
      fetch(`${http}/v1/notifications${query}`, { headers: { authorization: `Bearer ${secret}` } }),
    askGrpc: (request: object, secret = 'read-them') => askGrpc(grpc.port, request, secret),
    close: async () => {
      await app.close();
      await source.destroy();
    },
  };
}

type House = Awaited<ReturnType<typeof openHouse>>;

const SERVICE = 'sanmon.notifications.v1.NotificationsService';
const GrpcCaller = makeClientConstructor(grpcService(SERVICE), SERVICE);

async function askGrpc(port: number, request: object, secret: string): Promise<NotificationPage> {
  const client = new GrpcCaller(`127.0.0.1:${port}`, credentials.createInsecure());
  const metadata = new Metadata();
  metadata.set('authorization', `Bearer ${secret}`);
  try {
    return await new Promise((resolve, reject) =>
      client['ListNotifications']!(request, metadata, (error: Error | null, answer: NotificationPage) =>
        error ? reject(error) : resolve(answer),
      ),
    );
  } finally {
    client.close();
  }
}

const pageOf = async (house: House, query: string): Promise<NotificationPage> =>
  (await (await house.ask(query)).json()) as NotificationPage;

const listed = async (house: House, orderId: string): Promise<Notification[]> =>
  (await pageOf(house, `?orderId=${orderId}`)).notifications;

/** Waits until so many notifications of an order are settled. */
const settled = (house: House, orderId: string, count = 1) =>
  eventually(
    async () => {
      const found = await listed(house, orderId);
      expect(found.filter(({ state }) => state !== 'PENDING')).toHaveLength(count);
      return found;
    },
    { within: 30_000 },
  );

/** So many events, as a handler is given them. */
const events = (count: number): Message<Order>[] =>
  Array.from({ length: count }, () => order()).map((body) => ({
    id: newId('msg').slice('msg_'.length),
    type: messageOf(OrderConfirmed).type,
    key: body.id,
    body,
  }));

/** A call as admission hands it over; a customer's token narrows it. */
const asking = (command: Partial<ListNotifications>, customerId?: string): Asked<ListNotifications> => ({
  id: newId('msg'),
  operation: operationOf(ListNotifications),
  command: Object.assign(new ListNotifications(), command),
  by: { name: 'test', scopes: new Set(['notifications:read']), customerId },
});

/** An SMTP server that refuses the first mails with 451 and remembers the Message-ID of every mail it was offered. */
async function flakyServer(refusals: number) {
  const messageIds: string[] = [];
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    onData(stream, _session, done) {
      let raw = '';
      stream.on('data', (chunk: Buffer) => (raw += chunk.toString()));
      stream.on('end', () => {
        messageIds.push(/^Message-ID: (.*)$/im.exec(raw)![1]!.trim());
        done(messageIds.length > refusals ? null : Object.assign(new Error('later'), { responseCode: 451 }));
      });
    },
  });
  server.on('error', () => undefined);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.server.address() as AddressInfo;
  return {
    url: `smtp://127.0.0.1:${port}`,
    messageIds,
    stop: () => new Promise<void>((resolve) => server.close(resolve)),
  };
}

describe('notifications', () => {
  const lent = useDatabase();
  let sink: SmtpSink;
  let house: House;

  beforeAll(async () => {
    Logger.overrideLogger(false);
    sink = await startSmtpSink();
    house = await openHouse(lent.url, sink.url);
  });

  /** Does this in another house, with this one closed meanwhile, so that it takes nothing out of the other's hands. */
  const elsewhere = async (smtpUrl: string | undefined, work: (other: House) => Promise<void>) => {
    await house.close();
    const other = await openHouse(lent.url, smtpUrl);
    try {
      await work(other);
    } finally {
      await other.close();
      house = await openHouse(lent.url, sink.url);
    }
  };

  /** Writes notifications and never sends them, as a process that dies after the commit. */
  const writingOnly = async () => {
    const resting = new Effects('notifications', { database: house.database, wake: () => undefined });
    resting.register(house.app.get(EmailEffect, { strict: false }));
    await resting.stop();
    return new WriteNotification(house.app.get(NotificationsRepository, { strict: false }), resting);
  };

  afterEach(() => void (sink.mails.length = 0));

  afterAll(async () => {
    await house?.close();
    await sink?.stop();
  });

  it('send one mail per order and kind, however often the event comes', async () => {
    const one = order();
    await house.publish(OrderConfirmed, [one, one]);
    const [first] = await settled(house, one.id);
    await house.publish(OrderConfirmed, [one]);
    const last = order();
    await house.publish(OrderConfirmed, [last]);
    await settled(house, last.id);

    expect(await listed(house, one.id)).toEqual([first]);
    expect(first).toMatchObject({ orderId: one.id, channel: 'EMAIL', to: one.email, state: 'SENT', attempts: 1 });
    const ofOne = sink.mails.filter(({ subject }) => subject === `Your order ${one.id} is confirmed`);
    expect(ofOne).toMatchObject([
      { from: 'orders@sanmon.example', to: [one.email], messageId: `<${first!.id}@sanmon>`, text: first!.text },
    ]);
    expect(sink.mails).toHaveLength(2);
  });

  it('tell of an order that is confirmed and later cancelled twice, and of every end in its words', async () => {
    const both = order({ locale: 'ja' });
    const rejected = order({ state: 'REJECTED', reason: 'out-of-stock' });
    await house.publish(OrderConfirmed, [both]);
    await house.publish(OrderCancelled, [{ ...both, state: 'CANCELLED', reason: 'cancelled-by-customer' }]);
    await house.publish(OrderRejected, [rejected]);

    const two = await settled(house, both.id, 2);
    expect(two.map(({ subject }) => subject)).toEqual([
      `ご注文 ${both.id} がキャンセルされました`,
      `ご注文 ${both.id} が確定しました`,
    ]);
    expect((await settled(house, rejected.id))[0]!.text).toContain('Something in this order is out of stock.');
    expect(sink.mails.map(({ messageId }) => messageId).sort()).toEqual(
      [...two, ...(await listed(house, rejected.id))].map(({ id }) => `<${id}@sanmon>`).sort(),
    );
  });

  it('are FAILED after the first try when the server refuses the recipient for ever', async () => {
    sink.refuse(1, 550);
    const one = order();
    await house.publish(OrderRejected, [one]);
    expect(await settled(house, one.id)).toMatchObject([{ state: 'FAILED', attempts: 1 }]);
    expect(sink.mails).toEqual([]);
    expect(await house.source.query(`SELECT * FROM notifications.effects`)).toEqual([]);
  });

  it('put nothing that users wrote anywhere but into the bodies', async () => {
    const hostile =
      'Tea\r\nBcc: victim@example.com\r\n\r\n.\r\nRCPT TO:<victim@example.com>\r\n<script>alert(1)</script>';
    const one = order({ note: hostile, lines: [{ sku: 'A', name: hostile, quantity: 1, unitPrice: 0, amount: 0 }] });
    await house.publish(OrderConfirmed, [one]);
    const [sent] = await settled(house, one.id);
    expect(sent!.html).not.toContain('<script>');
    expect(sink.mails).toMatchObject([{ to: [one.email], subject: `Your order ${one.id} is confirmed` }]);
    const { raw } = sink.mails[0]!;
    expect(raw.slice(0, raw.indexOf('\r\n\r\n'))).not.toMatch(/victim|script/);
  });

  it('are sent although a neighbour in the set cannot be rendered; only that one waits', async () => {
    const good = order();
    const bad = order({ currency: 'not a currency' });
    await house.publish(OrderConfirmed, [bad, good]);
    expect(await settled(house, good.id)).toMatchObject([{ state: 'SENT' }]);
    expect(await listed(house, bad.id)).toEqual([]);
    const stored = () => house.source.query(`DELETE FROM notifications.inbox WHERE key = $1 RETURNING state`, [bad.id]);
    await eventually(async () => expect(await stored()).toEqual([[{ state: 'retry' }], 1]));
  });

  it('are tried again after a 4xx, with the same Message-ID, and count their tries', async () => {
    const flaky = await flakyServer(2);
    const one = order();
    await elsewhere(flaky.url, async (other) => {
      await other.publish(OrderConfirmed, [one]);
      await eventually(async () =>
        expect(await listed(other, one.id)).toMatchObject([{ state: 'PENDING', attempts: 1 }]),
      );
      expect(await settled(other, one.id)).toMatchObject([{ state: 'SENT', attempts: 3 }]);
    });
    await flaky.stop();
    const [sent] = await listed(house, one.id);
    expect(flaky.messageIds).toEqual(Array(3).fill(`<${sent!.id}@sanmon>`));
  });

  it('are sent by another process when the one that wrote them died', async () => {
    const messages = events(3);
    const writing = await writingOnly();
    await house.database.transaction((tx) => writing.handle(tx, messages));
    expect(sink.mails).toEqual([]);
    await house.source.query(`UPDATE notifications.effects SET lease = now()`);
    for (const { key } of messages) expect(await settled(house, key)).toMatchObject([{ state: 'SENT', attempts: 1 }]);
    expect(sink.mails).toHaveLength(3);
  });

  it('need no SMTP server: the preview takes them', async () => {
    const one = order();
    await elsewhere(undefined, async (other) => {
      await other.publish(OrderConfirmed, [one]);
      expect(await settled(other, one.id)).toMatchObject([{ state: 'SENT', attempts: 1 }]);
    });
    expect(sink.mails).toEqual([]);
  });

  describe('cost statements per set and not per mail', () => {
    /** How many statements the transaction of this work sends. */
    const statements = async (work: (tx: Tx) => Promise<void>): Promise<number> => {
      const spies = (['rows', 'run', 'write'] as const).map((way) => jest.spyOn(Tx.prototype, way));
      let ours: Tx | undefined;
      await house.database.transaction((tx) => work((ours = tx)));
      const sent = spies.flatMap((spy) => spy.mock.contexts.filter((tx) => tx === ours));
      spies.forEach((spy) => spy.mockRestore());
      return sent.length;
    };

    it('when events are heard', async () => {
      const writing = await writingOnly();
      expect(await statements((tx) => writing.handle(tx, events(1)))).toBe(2);
      expect(await statements((tx) => writing.handle(tx, events(100)))).toBe(2);
      await house.source.query(`DELETE FROM notifications.effects`);
    });

    it('when mails are settled', async () => {
      const email = house.app.get(EmailEffect, { strict: false });
      const set = Array.from({ length: 100 }, () => ({
        effect: { key: newId('ntf'), attempts: 0 } as never,
        result: 'SENT' as const,
      }));
      expect(await statements((tx) => email.settle(tx, set))).toBe(1);
    });

    it('when lists are asked', async () => {
      const list = house.app.get(ListNotificationsHandler, { strict: false });
      const asked = Array.from({ length: 100 }, (_, i) => asking({ orderId: `ord_${i}` }));
      expect(await statements(async (tx) => void (await list.handle(tx, asked)))).toBe(1);
    });
  });

  describe('are listed', () => {
    const mine = [
      order({ customerId: 'cus_mine' }),
      order({ customerId: 'cus_mine' }),
      order({ customerId: 'cus_mine' }),
    ];
    const theirs = order({ customerId: 'cus_other' });
    const handle = (asked: Asked<ListNotifications>[]) =>
      house.database.read((tx) => house.app.get(ListNotificationsHandler, { strict: false }).handle(tx, asked));

    beforeAll(async () => {
      for (const one of [...mine, theirs]) await house.publish(OrderConfirmed, [one]);
      for (const one of [...mine, theirs]) await settled(house, one.id);
    });

    it('newest first, page by page, each once', async () => {
      const seen: Notification[] = [];
      let token: string | undefined = '';
      do {
        const page: NotificationPage = await pageOf(house, `?pageSize=2&pageToken=${token}`);
        expect(page.notifications.length).toBe(page.nextPageToken ? 2 : page.notifications.length);
        seen.push(...page.notifications);
        token = page.nextPageToken;
      } while (token);
      const ids = seen.map(({ id }) => id);
      expect(ids).toEqual([...new Set(ids)].sort().reverse());
      expect(seen.slice(0, 4).map(({ orderId }) => orderId)).toEqual(
        [theirs, ...mine.toReversed()].map(({ id }) => id),
      );
      expect(ids).toHaveLength(await house.source.getRepository(NotificationSchema).count());
      expect(token).toBeUndefined();
    });

    it('to a customer without those of anybody else, each asker of a set on its own', async () => {
      const outcomes = await handle([
        asking({}, 'cus_mine'),
        asking({ orderId: theirs.id }, 'cus_mine'),
        asking({ pageToken: 'made-up' }, 'cus_mine'),
        asking({ orderId: theirs.id }),
        asking({ pageSize: 1 }, 'cus_mine'),
        asking({}, 'cus_nobody'),
      ]);
      const orders = outcomes.map((o) =>
        o instanceof Failure ? o.code : o.notifications.map(({ orderId }) => orderId),
      );
      const ids = mine.map(({ id }) => id).reverse();
      expect(orders).toEqual([ids, [], 'invalid-page-token', [theirs.id], ids.slice(0, 1), []]);
    });

    it('the same over REST and gRPC', async () => {
      const rest = await pageOf(house, `?orderId=${theirs.id}`);
      expect(Object.keys(rest)).toEqual(['notifications']);
      expect(rest.notifications[0]).toEqual({
        id: expect.stringMatching(/^ntf_/),
        orderId: theirs.id,
        customerId: 'cus_other',
        channel: 'EMAIL',
        to: theirs.email,
        subject: `Your order ${theirs.id} is confirmed`,
        text: expect.any(String),
        html: expect.any(String),
        state: 'SENT',
        attempts: 1,
        at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      });
      expect(await house.askGrpc({ orderId: theirs.id })).toEqual(rest);
      const page = await house.askGrpc({ pageSize: 1 });
      expect(page).toEqual(await pageOf(house, '?pageSize=1'));
    });

    it('to nobody without the scope, and to nobody who asks for something else', async () => {
      const status = async (query: string, secret?: string) => (await house.ask(query, secret)).status;
      expect(await status('', 'sees-nothing')).toBe(403);
      expect(await status('', 'unknown')).toBe(401);
      for (const query of [
        '?pageSize=0',
        '?pageSize=201',
        '?pageToken=x',
        '?state=SENT',
        '?orderId=',
        '?orderId=a%20b',
      ])
        expect([query, await status(query)]).toEqual([query, 400]);
      await expect(house.askGrpc({}, 'sees-nothing')).rejects.toMatchObject({ code: 7 });
      await expect(house.askGrpc({ pageSize: 201 })).rejects.toMatchObject({ code: 3 });
    });
  });

  describe('keep their rules in the database too', () => {
    const insert = (values: object) =>
      house.source.getRepository(NotificationSchema).insert({
        id: newId('ntf'),
        orderId: newId('ord'),
        customerId: 'cus_1',
        kind: 'CONFIRMED',
        to: 'a@example.com',
        subject: 's',
        text: 't',
        html: 'h',
        state: 'SENT',
        attempts: 1,
        ...values,
      });

    it.each([
      { kind: 'PLACED' },
      { channel: 'SMS' },
      { state: 'GONE' },
      { subject: 'Hi\r\nBcc: b@example.com' },
      { state: 'SENT', attempts: 0 },
      { state: 'PENDING', attempts: 1 },
    ])('which refuses %j', async (values) => {
      await expect(insert(values)).rejects.toMatchObject({ code: '23514' });
    });

    it('which takes one of an order and kind', async () => {
      const orderId = newId('ord');
      await insert({ orderId });
      await insert({ orderId, kind: 'CANCELLED' });
      await expect(insert({ orderId })).rejects.toMatchObject({ code: '23505' });
    });
  });
});
