import { IsInt, MinLength } from 'class-validator';
import { Id, ListOf, Nested, Optional, Quantity, Sku } from './fields.js';
import { surelyValid } from './surely-valid.js';
import { validated } from './validate.js';

class Line {
  @Sku() sku!: string;
  @Quantity() @Optional() quantity?: number;
}

class Order {
  @Id() id!: string;
  @ListOf(() => Line, 3) lines!: Line[];
  @Nested(() => Line) @Optional() gift?: Line;
}

class Foreign {
  @IsInt() count!: number;
}

class Mixed {
  @Id() @MinLength(5) id!: string;
}

class Holder {
  @Nested(() => Foreign) foreign!: Foreign;
}

class Child extends Order {
  @Sku() more!: string;
}

const order = (change: object = {}) => ({ id: 'o', lines: [{ sku: 'A', quantity: 1 }], ...change });

describe('what is surely valid', () => {
  it.each([order(), order({ gift: { sku: 'A' } }), order({ lines: [{ sku: 'A' }, { sku: 'B' }] })])('is %j', (input) =>
    expect(surelyValid(Order, input)).toBe(true),
  );

  it.each([
    {},
    order({ id: undefined }),
    order({ id: 1 }),
    order({ extra: 1 }),
    order({ extra: undefined }),
    order({ gift: 'x' }),
    order({ gift: { sku: 'A', extra: 1 } }),
    order({ lines: [{ sku: 'A' }, { sku: '' }] }),
    order({ lines: [] }),
    order({ lines: [[{ sku: 'A' }]] }),
  ])('is not %j, and class-validator agrees', (input) => {
    expect(surelyValid(Order, input)).toBe(false);
    expect(() => validated(Order, input)).toThrow(expect.objectContaining({ kind: 'invalid' }));
  });

  it('is nothing that carries rules of somebody else', () => {
    expect(surelyValid(Foreign, { count: 1 })).toBe(false);
    expect(surelyValid(Mixed, { id: 'longenough' })).toBe(false);
    expect(surelyValid(Holder, { foreign: { count: 1 } })).toBe(false);
    expect(validated(Mixed, { id: 'longenough' })).toEqual({ id: 'longenough' });
    expect(() => validated(Mixed, { id: 'x' })).toThrow('id: ');
    expect(validated(Holder, { foreign: { count: 1 } })).toEqual({ foreign: { count: 1 } });
  });

  it('counts the rules of parent classes', () => {
    expect(surelyValid(Child, order({ more: 'A' }))).toBe(true);
    expect(surelyValid(Child, { more: 'A' })).toBe(false);
  });
});
