import { isUtf8 } from 'node:buffer';

/** Bytes that are not the message they claim to be. */
export class Unreadable extends Error {
  /** Where, as a JSON path; empty while it is not known. */
  path = '';
}

/** Wire types of https://protobuf.dev/programming-guides/encoding/. */
export const VARINT = 0;
export const FIXED64 = 1;
export const LENGTH_DELIMITED = 2;
const GROUP = 3;
const GROUP_END = 4;
const FIXED32 = 5;

/** How deep messages, groups and Structs may be nested. */
export const MAX_DEPTH = 32;

/**
 * Reads Protobuf's wire format strictly. Not protobufjs's Reader, because that takes a truncated string for a short one,
 * makes U+FFFD of invalid UTF-8 and follows nested unknown groups as deep as the stack goes.
 */
export class Wire {
  at = 0;
  /** End of the message being read; nothing reads past it. */
  end: number;

  constructor(private readonly bytes: Buffer) {
    this.end = bytes.length;
  }

  /** A field's number and wire type, as `number << 3 | type`. */
  tag(): number {
    const tag = this.uint32();
    if (tag >>> 3 === 0) throw new Unreadable('has a field number 0');
    return tag;
  }

  uint32(): number {
    const first = this.byte();
    if (first < 0x80) return first;
    const value = this.varint(first);
    if (value < 0 || value > 0xffffffff) throw new Unreadable('has a length or tag beyond 32 bits');
    return value;
  }

  /** A signed 64-bit integer as a number: beyond 2^53 it is imprecise, so whoever accepts one must bound it. */
  int64(): number {
    const first = this.byte();
    return first < 0x80 ? first : this.varint(first);
  }

  /** An enum number; they are 32 bits wide on the wire, whatever was sent. */
  int32(): number {
    return this.int64() | 0;
  }

  double(): number {
    const start = this.take(8);
    return this.bytes.readDoubleLE(start);
  }

  string(): string {
    const length = this.uint32();
    const start = this.take(length);
    const text = this.bytes.toString('utf8', start, this.at);
    // U+FFFD stands for what is not UTF-8, or for itself: only then are the bytes looked at (300 ns).
    if (text.includes('\uFFFD') && !isUtf8(this.bytes.subarray(start, this.at)))
      throw new Unreadable('is not valid UTF-8');
    return text;
  }

  /** Narrows reading to the length-delimited message that begins here; answers the end to return to. */
  enter(): number {
    const length = this.uint32();
    const outer = this.end;
    if (length > outer - this.at) throw new Unreadable('is cut off');
    this.end = this.at + length;
    return outer;
  }

  /** Passes over a field that we do not know. Groups are counted and not recursed into. */
  skip(tag: number): void {
    let depth = 0;
    for (let type = tag & 7; ; type = this.tag() & 7) {
      if (type === VARINT) this.int64();
      else if (type === FIXED64) this.take(8);
      else if (type === LENGTH_DELIMITED) this.take(this.uint32());
      else if (type === FIXED32) this.take(4);
      else if (type === GROUP) depth++;
      else if (type !== GROUP_END) throw new Unreadable(`has a field of the unknown wire type ${type}`);
      else if (--depth < 0) throw new Unreadable('ends a group that never began');
      if (depth > MAX_DEPTH) throw new Unreadable(`is nested deeper than ${MAX_DEPTH}`);
      if (depth === 0) return;
    }
  }

  private byte(): number {
    if (this.at >= this.end) throw new Unreadable('is cut off');
    return this.bytes[this.at++]!;
  }

  private take(length: number): number {
    const start = this.at;
    if (length > this.end - start) throw new Unreadable('is cut off');
    this.at = start + length;
    return start;
  }

  private varint(first: number): number {
    let low = first & 0x7f;
    let high = 0;
    for (let shift = 7; shift < 70; shift += 7) {
      const byte = this.byte();
      const bits = byte & 0x7f;
      if (shift < 28) low |= bits << shift;
      else if (shift > 28) high |= bits << (shift - 32);
      else {
        low |= bits << 28;
        high |= bits >>> 4;
      }
      if (byte < 0x80) return high * 0x1_0000_0000 + (low >>> 0);
    }
    throw new Unreadable('has a number longer than ten bytes');
  }
}
