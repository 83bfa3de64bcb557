import { Operation } from './operation.js';
import { decodePage, encodePage } from './page.js';

@Operation({ name: 'toys.list', scope: 'orders:read', kind: 'query' })
class ListToys {
  state?: string;
  pageSize?: number;
  pageToken?: string;
}

@Operation({ name: 'games.list', scope: 'orders:read', kind: 'query' })
class ListGames extends ListToys {}

const asked = (state?: string, type: new () => ListToys = ListToys) => Object.assign(new type(), { state });

describe('a page token', () => {
  it('stands for a position, whatever the size of the next page', () => {
    const token = encodePage(asked('PLACED'), ['2026-01-01T00:00:00Z', 'ord_1']);
    expect(token).toMatch(/^[\w-]+$/);
    const next = Object.assign(asked('PLACED'), { pageToken: token, pageSize: 7 });
    expect(decodePage(next, token)).toEqual(['2026-01-01T00:00:00Z', 'ord_1']);
  });

  it('is not needed for the first page', () => {
    expect(decodePage(asked(), undefined)).toBeUndefined();
    expect(decodePage(asked(), '')).toBeUndefined();
  });

  it.each([
    ['another filter', encodePage(asked('PLACED'), ['x'])],
    ['another operation', encodePage(asked(undefined, ListGames), ['x'])],
    ['no position', encodePage(asked(), [])],
    ['garbage', 'garbage'],
    ['JSON of another form', Buffer.from('{"a":1}').toString('base64url')],
    ['NUL', encodePage(asked(), ['\0'])],
    ['a number', Buffer.from('["x",1]').toString('base64url')],
    ['depth', Buffer.from('['.repeat(1_000)).toString('base64url')],
  ])('is refused with %s', (_, token) =>
    expect(() => decodePage(asked(), token)).toThrow(
      expect.objectContaining({ kind: 'invalid', code: 'invalid-page-token' }),
    ),
  );
});
