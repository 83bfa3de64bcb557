import type { Quote } from '../../inventory/index.js';
import { RememberingCatalogue } from './remembering.catalogue.js';

const quoteOf = (sku: string): Quote => ({ sku, name: `Thing ${sku}`, currency: 'JPY', unitPrice: 600 });

describe('quotes that were asked for lately', () => {
  let asked: string[][];
  let there: (sku: string) => boolean;
  let catalogue: RememberingCatalogue;
  beforeEach(() => {
    jest.useFakeTimers();
    asked = [];
    there = () => true;
    const quote = (skus: string[]): Promise<Map<string, Quote>> => {
      asked.push(skus);
      return Promise.resolve(new Map(skus.filter(there).map((sku) => [sku, quoteOf(sku)])));
    };
    catalogue = new RememberingCatalogue({ quote });
  });
  afterEach(() => jest.useRealTimers());

  it('are remembered for a second, each from when it was asked', async () => {
    await catalogue.quote(['a', 'a']);
    jest.advanceTimersByTime(600);
    expect(await catalogue.quote(['a', 'b'])).toEqual(new Map(['a', 'b'].map((sku) => [sku, quoteOf(sku)])));
    jest.advanceTimersByTime(600);
    await catalogue.quote(['a', 'b']);
    expect(asked).toEqual([['a'], ['b'], ['a']]);
  });

  it('are not remembered of items that were not there', async () => {
    there = (sku) => sku !== 'new';
    expect((await catalogue.quote(['new'])).size).toBe(0);
    there = () => true;
    expect((await catalogue.quote(['new'])).get('new')).toEqual(quoteOf('new'));
  });

  it('are forgotten before there are more than 50,000', async () => {
    const many = Array.from({ length: 50_000 }, (_, i) => `sku-${i}`);
    await catalogue.quote(many);
    await catalogue.quote(many);
    expect(asked).toHaveLength(1);
    await catalogue.quote(['one-more']);
    await catalogue.quote(['sku-0']);
    expect(asked.slice(1)).toEqual([['one-more'], ['sku-0']]);
  });
});
