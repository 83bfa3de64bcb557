import { Logger } from '@nestjs/common';
import { Circuit } from './circuit.js';
import type { Courtesy } from '../courtesy.js';
import type { Database } from '../../database/database.js';
import type { Tx, Writing } from '../../database/transaction.js';
import type { AnyEffectKind } from './effect.js';
import { EffectRunner, type Settled, SLACK_MS } from './effect-runner.js';
import { type EffectRow, statements, toEffect } from './effect-rows.js';
import type { Progress } from '../loop.js';
import type { TellSpan } from '../spans.js';

const SWEEP_SET = 500;

/** The effects of one module: born leased in the deciding transaction, run after its commit, settled in sets. */
export class Effects {
  private readonly logger = new Logger('Effects');
  private readonly text: ReturnType<typeof statements>;
  private readonly runners = new Map<string, EffectRunner>();
  private readonly circuits = new Map<string, Circuit>();
  /** Kinds the last sweep had no room to look at, or of which it found as many as it had room for. */
  private readonly behind = new Set<string>();

  constructor(
    schema: string,
    private readonly of: {
      database: Database;
      courtesy?: Courtesy;
      /** Calls for a sweep: a backlog must drain as fast as it runs, not one room each poll (32 mails a second, measured). */
      wake: () => void;
    },
    private readonly tell?: TellSpan,
  ) {
    this.text = statements(schema);
  }

  register(kind: AnyEffectKind): void {
    this.circuits.set(kind.kind, new Circuit());
    const to = {
      settle: (settled: Settled[]) => this.settle(kind, settled),
      turn: async () => this.of.courtesy?.show(),
      roomy: () => {
        if (this.behind.delete(kind.kind)) this.of.wake();
      },
    };
    this.runners.set(kind.kind, new EffectRunner(kind, to, this.logger, this.tell));
  }

  /** The kinds of this module. */
  kinds(): string[] {
    return [...this.runners.keys()];
  }

  /** Starts effects: rows in the caller's transaction, leased to this process, which runs them after the commit. */
  start(tx: Tx, kind: string, effects: Beginning[]): void {
    if (effects.length === 0) return;
    const rows = effects.map((effect) => ({ kind, ...effect }));
    tx.collect(this, rows, (all) => this.birth(tx, all));
  }

  /** Finds effects whose lease has run out: their process died, or their next try is due. */
  async sweep(): Promise<Progress> {
    let found = 0;
    for (const runner of this.runners.values()) {
      const room = Math.min(SWEEP_SET, runner.room());
      if (room === 0) {
        this.behind.add(runner.kind.kind);
        continue;
      }
      const rows = await this.of.database.transaction((tx) =>
        tx.rows<EffectRow>(this.text.claim, [runner.kind.kind, room, leaseOf(runner.kind)]),
      );
      if (rows.length < room) this.behind.delete(runner.kind.kind);
      else this.behind.add(runner.kind.kind);
      runner.run(rows.map(toEffect));
      found += rows.length;
    }
    return found > 0 ? 'more' : 'idle';
  }

  /** Lets calls under way finish and settle; what is still waiting keeps its lease and is swept later. */
  async stop(): Promise<void> {
    await Promise.all([...this.runners.values()].map((r) => r.stop()));
  }

  /**
   * Inserted already leased to this process, whose runner takes them from memory after the commit; what it could not begin
   * soon is born due, for whoever has room first. While older ones are due the new ones stand behind them.
   */
  private birth(tx: Tx, rows: (Beginning & { kind: string })[]): Writing {
    const ours = this.leasedOf(rows);
    return {
      statement: this.text.insert,
      values: [
        rows.map((r) => r.kind),
        rows.map((r) => r.key),
        rows.map((r) => JSON.stringify(r.body)),
        rows.map((r) => (ours.has(r) ? leaseOf(this.runners.get(r.kind)!.kind) : 0)),
        rows.map((r) => r.trace ?? null),
      ],
      then: (born) =>
        tx.afterCommit(() => {
          rows.forEach((row, i) => {
            const { kind, ...beginning } = row;
            if (!ours.has(row)) return this.leave(kind);
            const effect = { ...beginning, id: born[i]!['id'] as string, token: 1, attempts: 0, ageMs: 0 };
            this.runners.get(kind)!.run([effect]);
          });
        }),
    };
  }

  private leasedOf<R extends { kind: string }>(rows: R[]): ReadonlySet<R> {
    const ours = new Set<R>();
    for (const [kind, runner] of this.runners) {
      const room = this.behind.has(kind) ? 0 : runner.room();
      rows
        .filter((row) => row.kind === kind)
        .slice(0, room)
        .forEach((row) => ours.add(row));
    }
    return ours;
  }

  /** An effect of this kind is due, and the sweep may have looked before it was committed. */
  private leave(kind: string): void {
    // Whoever is behind is called once half of the room is free: a sweep for each few would cost a transaction each.
    if (this.behind.has(kind)) return;
    if (this.runners.get(kind)!.room() > 0) this.of.wake();
    else this.behind.add(kind);
  }

  /** Ends effects with a result and puts the others back, each only if it is still ours. */
  private async settle(kind: AnyEffectKind, settled: Settled[]): Promise<void> {
    await this.of.database.transaction(async (tx) => {
      const again = settled.filter((s) => 'again' in s.said);
      const done = settled.filter((s) => 'done' in s.said);
      if (done.length > 0) this.answered(tx, kind.kind);
      if (again.length > 0) this.putBack(tx, kind, again);
      if (done.length === 0) return;
      const ours = await tx.rows<{ id: string; token: number }>(this.text.remove, [
        done.map((s) => s.effect.id),
        done.map((s) => s.effect.token),
      ]);
      // By the token too: both the late answer and the one in time may be in this very set.
      const tokens = new Map(ours.map((o) => [o.id, o.token]));
      const results = done
        .filter((s) => tokens.get(s.effect.id) === s.effect.token)
        .map((s) => ({ effect: s.effect, result: (s.said as { done: unknown }).done }));
      if (results.length > 0) await kind.settle(tx, results);
    });
  }

  private putBack(tx: Tx, kind: AnyEffectKind, again: Settled[]): void {
    const circuit = this.circuits.get(kind.kind)!;
    tx.write(this.text.again, [
      again.map((s) => s.effect.id),
      again.map((s) => s.effect.token),
      again.map((s) => circuit.failed(kind.delay(s.effect))),
      again.map((s) => (s.said as { again: string }).again),
      again.map((s) => s.tookMs),
    ]);
  }

  /** Whoever was away answers again: everything that waits for it is due at once. */
  private answered(tx: Tx, kind: string): void {
    const circuit = this.circuits.get(kind)!;
    if (circuit.open) tx.write(this.text.due, [kind]);
    tx.afterCommit(() => circuit.answered());
  }
}

/** An effect as the deciding transaction begins it. */
export interface Beginning {
  key: string;
  body: object;
  trace?: string;
}

const leaseOf = (kind: { timeoutMs: number }): number => kind.timeoutMs + SLACK_MS;
