import type { Pool } from 'pg';
import { collectDefaultMetrics, Counter, Gauge, type Registry } from 'prom-client';
import type { DataSource } from 'typeorm';
import type { Standing } from './messaging/inbox/backlog.js';
import type { Broker } from './messaging/broker/broker.js';
import type { ModuleTraffic } from './messaging/module-traffic.js';
import type { Traffic } from './messaging/traffic.js';

/** What a scrape looks up, read from what already stands there: nothing here is told anything while the house works. */
export function registerNumbers(
  registry: Registry,
  of: { sources: Map<string, DataSource>; traffic: Traffic; streams: { readonly size: number } },
): void {
  // Process memory, CPU, garbage collection and the delay of the event loop, by the names every Node board knows.
  collectDefaultMetrics({ register: registry });
  const { traffic, streams } = of;
  poolNumbers(registry, of.sources);
  messageNumbers(registry, traffic.all());
  backlogNumbers(registry, traffic.all());
  if (traffic.broker) brokerNumbers(registry, traffic.broker, traffic);
  gauge(registry, 'sanmon_streams_open', 'Live streams open: server-sent events, WebSocket and gRPC.', [], (set) =>
    set({}, streams.size),
  );
}

type Put = (labels: Record<string, string>, value: number) => void;

/** A gauge that is read when it is asked for. */
function gauge(
  registry: Registry,
  name: string,
  help: string,
  labelNames: string[],
  read: (set: Put) => void | Promise<void>,
): void {
  new Gauge({
    name,
    help,
    labelNames,
    registers: [registry],
    async collect() {
      const found: Parameters<Put>[] = [];
      await read((...one) => found.push(one));
      // Only then, and in one go: two scrapes at a time must not empty it under each other.
      this.reset();
      for (const [labels, value] of found) this.set(labels, value);
    },
  });
}

/** A counter somebody else counts. */
function counter(registry: Registry, name: string, help: string, labelNames: string[], read: (set: Put) => void): void {
  new Counter({
    name,
    help,
    labelNames,
    registers: [registry],
    collect() {
      this.reset();
      read((labels, value) => this.inc(labels, value));
    },
  });
}

function poolNumbers(registry: Registry, sources: Map<string, DataSource>): void {
  // As `/readyz` names them.
  const pools = [...sources].map(([database, source]) => ({
    database,
    pool: (source.driver as unknown as { master: Pool }).master,
  }));
  const help = 'Connections of this process to a database; waiting = work that waits for one.';
  gauge(registry, 'sanmon_database_connections', help, ['database', 'state'], (set) => {
    for (const { database, pool } of pools) {
      set({ database, state: 'used' }, pool.totalCount - pool.idleCount);
      set({ database, state: 'idle' }, pool.idleCount);
      set({ database, state: 'waiting' }, pool.waitingCount);
    }
  });
}

function messageNumbers(registry: Registry, modules: ModuleTraffic[]): void {
  const handled = 'Messages handled, as they came (intake) or out of the inbox (lanes).';
  counter(registry, 'sanmon_messages_handled_total', handled, ['module', 'way'], (set) => {
    for (const { module, handled } of modules)
      for (const [way, count] of Object.entries(handled.now)) set({ module, way }, count);
  });
  const failed = (name: string, help: string, state: 'retry' | 'parked') =>
    counter(registry, name, help, ['module'], (set) => {
      for (const { module, handled } of modules) set({ module }, handled.failed[state]);
    });
  failed('sanmon_messages_retried_total', 'Tries of a message or command that failed and are made again.', 'retry');
  failed('sanmon_messages_parked_total', 'Messages and commands put aside for an operator.', 'parked');
  const overdue = 'Calls and undoing commands tried in vain for five minutes and more, counted up to 1,000.';
  gauge(registry, 'sanmon_overdue', overdue, ['module'], (set) => {
    for (const { module, overdue } of modules) set({ module }, overdue.found);
  });
}

/** Read from the tables, so every replica says the same; missing while the database of the module does not answer. */
function backlogNumbers(registry: Registry, modules: ModuleTraffic[]): void {
  const standing = (
    name: string,
    help: string,
    labels: string[],
    tell: (set: Put, standing: Standing, of: ModuleTraffic) => void,
  ) =>
    gauge(registry, name, help, ['module', ...labels], async (set) => {
      const found = await Promise.all(modules.map(({ backlog }) => backlog.now()));
      modules.forEach((of, i) => {
        const one = found[i];
        if (one) tell((more, value) => set({ module: of.module, ...more }, value), one, of);
      });
    });
  gauge(registry, 'sanmon_backlog_known', '1 while the gauges of a module can be read.', ['module'], async (set) => {
    const found = await Promise.all(modules.map(({ backlog }) => backlog.now()));
    found.forEach((one, i) => set({ module: modules[i]!.module }, one ? 1 : 0));
  });
  const outbox = 'Messages written and not yet carried, counted up to 100,000.';
  standing('sanmon_outbox_messages', outbox, [], (set, { outbox }) => set({}, outbox));
  standing('sanmon_outbox_oldest_age_seconds', 'Age of the oldest of them.', [], (set, { outboxAge }) =>
    set({}, outboxAge),
  );
  const inbox = 'Messages and commands stored by state (see Parked messages), each counted up to 100,000.';
  standing('sanmon_inbox_messages', inbox, ['state'], (set, { ready, retry, waiting, parked }) => {
    for (const [state, count] of Object.entries({ ready, retry, waiting, parked })) set({ state }, count);
  });
  const ready = 'Age of the oldest stored message that could be handled now.';
  standing('sanmon_inbox_ready_oldest_age_seconds', ready, [], (set, { readyAge }) => set({}, readyAge));
  const effects = (name: string, help: string, which: 'open' | 'age') =>
    standing(name, help, ['kind'], (set, found, { effects }) => {
      for (const kind of effects.kinds()) set({ kind }, found.effects.find((e) => e.kind === kind)?.[which] ?? 0);
    });
  effects('sanmon_effects_open', 'Calls to the provider and mails that are not settled, up to 100,000.', 'open');
  const age = 'Time since the first attempt of the oldest that was tried in vain.';
  effects('sanmon_effects_oldest_age_seconds', age, 'age');
}

function brokerNumbers(registry: Registry, broker: Broker, traffic: Traffic): void {
  const up = '1 while messages can be sent to RabbitMQ.';
  gauge(registry, 'sanmon_broker_up', up, [], (set) => set({}, broker.complaint === '' ? 1 : 0));
  gauge(registry, 'sanmon_queue_consumed', '1 while a queue is consumed as it should be.', ['queue'], (set) => {
    for (const { name } of traffic.queues()) set({ queue: name }, broker.complaintOf(name) === '' ? 1 : 0);
  });
}
