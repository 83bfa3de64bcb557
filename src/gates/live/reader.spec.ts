import type { Failure } from '../../failure.js';
import type { Channel } from './channel.js';
import { Frame } from './frame.js';
import { Reader, UNSENT_AT_MOST, UNSENT_MS } from './reader.js';

/** A wire whose other side reads only when it is told to. */
class Wire implements Channel {
  readonly flying: (() => void)[] = [];
  ended?: { why?: Failure };
  destroyed = false;
  beats = 0;
  gone = (): void => undefined;

  encode = (frame: Frame): Buffer => frame.json;
  send = (_: Buffer, sent: () => void): void => void this.flying.push(sent);
  beat = (): void => void this.beats++;
  end = (why?: Failure): void => void (this.ended = { why });
  destroy = (): void => void (this.destroyed = true);
  onGone = (gone: () => void): void => void (this.gone = gone);

  read(): void {
    for (const sent of this.flying.splice(0)) sent();
  }
}

const kilobytes = (n: number): Frame => new Frame({ text: 'x'.repeat(n * 1024) });
let wire: Wire;
let reader: Reader;
beforeEach(() => {
  jest.useFakeTimers();
  wire = new Wire();
  reader = new Reader(wire);
});
afterEach(() => jest.useRealTimers());

it('gives the wire 64 KiB at a time and keeps the rest', () => {
  for (let i = 0; i < 100; i++) reader.write(kilobytes(8));
  expect(wire.flying).toHaveLength(8);
  wire.read();
  expect(wire.flying).toHaveLength(8);
});

it('closes a reader with more than 1 MiB unsent, and keeps nothing of it', () => {
  // A frame is a few bytes more than its text.
  for (let i = 0; i < UNSENT_AT_MOST / 1024 - 16; i++) reader.write(kilobytes(1));
  expect(wire.ended).toBeUndefined();
  for (let i = 0; i < 16; i++) reader.write(kilobytes(1));
  expect(wire.ended?.why?.code).toBe('reader-too-slow');
  expect(reader.isOver).toBe(true);
  expect((reader as unknown as { unsent: unknown[] }).unsent).toEqual([]);
  jest.advanceTimersByTime(1_000);
  expect(wire.destroyed).toBe(true);
});

it('closes a reader once bytes stayed unsent for 30 s, though others were sent meanwhile', () => {
  reader.write(kilobytes(1));
  jest.advanceTimersByTime(UNSENT_MS - 1);
  reader.look(performance.now(), false);
  expect(reader.isOver).toBe(false);
  wire.read();
  reader.write(kilobytes(1));
  jest.advanceTimersByTime(UNSENT_MS - 1);
  reader.look(performance.now(), false);
  expect(reader.isOver).toBe(false);
  jest.advanceTimersByTime(1);
  reader.look(performance.now(), false);
  expect(wire.ended?.why?.code).toBe('reader-too-slow');
});

it('sends heartbeats to those who have read everything, and to nobody else', () => {
  reader.look(performance.now(), true);
  expect(wire.beats).toBe(1);
  reader.write(kilobytes(1));
  reader.look(performance.now(), true);
  expect(wire.beats).toBe(1);
});

it('ends in order: what was written is sent first, for a second', () => {
  reader.write(kilobytes(1));
  reader.end();
  reader.write(kilobytes(1));
  expect(wire.ended).toBeUndefined();
  wire.read();
  expect(wire.ended).toEqual({ why: undefined });
  const other = new Reader((wire = new Wire()));
  other.write(kilobytes(1));
  other.end();
  jest.advanceTimersByTime(1_000);
  expect(wire.ended).toBeDefined();
});

it('is over once, whoever ends it, and then nobody waits for room', async () => {
  let overs = 0;
  reader.onOver(() => overs++);
  for (let i = 0; i < 40; i++) reader.write(kilobytes(8));
  const room = reader.room();
  wire.gone();
  await room;
  reader.cut();
  wire.read();
  expect(overs).toBe(1);
  expect(wire.ended).toBeUndefined();
});
