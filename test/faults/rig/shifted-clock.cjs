// Loaded before the product (node --require): its wall clock goes wrong by as many milliseconds as this file says, now.
// performance.now() and timers run on, as they do when a real clock is set.
const { readFileSync } = require('node:fs');

const file = process.env.SANMON_FAULT_CLOCK;
const RealDate = Date;
let shift = 0;
const read = () => {
  try {
    shift = Number(readFileSync(file, 'utf8')) || 0;
  } catch {
    // Being written.
  }
};
read();
setInterval(read, 50).unref();

globalThis.Date = class Date extends RealDate {
  constructor(...given) {
    if (given.length === 0) super(RealDate.now() + shift);
    else super(...given);
  }

  static now() {
    return RealDate.now() + shift;
  }
};
