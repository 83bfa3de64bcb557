import { Unwritable, type Converter } from './converter.js';
import { Unreadable, VARINT } from './wire.js';

const FIRST_SECOND = -62_135_596_800; // 0001-01-01T00:00:00Z
const LAST_SECOND = 253_402_300_799; // 9999-12-31T23:59:59Z
const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

/** google.protobuf.Timestamp as ISO 8601 in UTC; what is finer than a millisecond is cut off, as in JavaScript. */
export const timestamp: Converter = {
  decode(wire) {
    let seconds = 0;
    let nanos = 0;
    while (wire.at < wire.end) {
      const tag = wire.tag();
      if (tag === ((1 << 3) | VARINT)) seconds = wire.int64();
      else if (tag === ((2 << 3) | VARINT)) nanos = wire.int64();
      else wire.skip(tag);
    }
    if (seconds < FIRST_SECOND || seconds > LAST_SECOND) throw new Unreadable('is outside the years 1 to 9999');
    if (nanos < 0 || nanos > 999_999_999) throw new Unreadable('has nanos outside 0 to 999,999,999');
    return new Date(seconds * 1000 + Math.floor(nanos / 1e6)).toISOString();
  },
  encode(value, writer) {
    const ms = typeof value === 'string' && ISO.test(value) ? Date.parse(value) : NaN;
    if (Number.isNaN(ms)) throw new Unwritable('is no ISO 8601 time in UTC with milliseconds');
    const seconds = Math.floor(ms / 1000);
    const nanos = (ms - seconds * 1000) * 1e6;
    if (seconds !== 0) writer.uint32((1 << 3) | VARINT).int64(seconds);
    if (nanos !== 0) writer.uint32((2 << 3) | VARINT).int32(nanos);
  },
};
