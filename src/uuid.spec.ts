import { validate, version } from 'uuid';
import { uuidv7 } from './uuid.js';

describe('uuidv7', () => {
  const made = Array.from({ length: 20_000 }, () => uuidv7());

  it('makes UUIDs of version 7 that tell the time', () => {
    expect(made.every((id) => validate(id) && version(id) === 7)).toBe(true);
    const at = parseInt(made[0]!.slice(0, 8) + made[0]!.slice(9, 13), 16);
    expect(Math.abs(Date.now() - at)).toBeLessThan(60_000);
  });

  it('makes each after the one before, and none twice', () => {
    expect([...made].sort()).toEqual(made);
    expect(new Set(made).size).toBe(made.length);
  });

  it('draws the last 58 bits anew for each', () => {
    expect(new Set(made.map((id) => id.slice(-12))).size).toBe(made.length);
  });
});
