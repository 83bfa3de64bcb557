import { Failure } from '../failure.js';
import { Access, type Anonymous } from './access.js';
import { ApiKeys } from './api-keys.js';
import { generateApiKey } from './own-api-key.js';

const SECRET = generateApiKey();
const access = new Access(new ApiKeys({ text: `shop:${SECRET}:orders:read+orders:write` }));

const refusal = (authorization?: string, otherwise?: Anonymous): Promise<unknown> =>
  access.principal(authorization, otherwise).then(
    () => 'let in',
    (error: Failure) => error.toJSON(),
  );

describe('Access', () => {
  it('knows the bearer of a key, whatever the case of the scheme', async () => {
    for (const scheme of ['Bearer', 'bearer', 'BEARER', 'Bearer  ']) {
      const principal = await access.principal(`${scheme} ${SECRET}`);
      expect(principal).toEqual({ name: 'key:shop', scopes: new Set(['orders:read', 'orders:write']) });
    }
  });

  it('says the same to everybody it does not know', async () => {
    const shown = ['', 'Bearer', 'Bearer ', `Basic ${SECRET}`, SECRET, 'Bearer sk_wrong', `Bearer ${SECRET}x`];
    const twice = [`Bearer ${SECRET}, Bearer ${SECRET}x`, `Bearer ${SECRET} ${SECRET}`, `Bearer ${SECRET}\u00e9`];
    const answers = await Promise.all([undefined, ...shown, ...twice].map((authorization) => refusal(authorization)));
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
    expect(answers[0]).toMatchObject({ kind: 'unauthenticated', code: 'unauthenticated', details: {} });
  });

  it('takes a caller without a credential for somebody else, but not one with a wrong credential', async () => {
    const otherwise: Anonymous = { name: 'amqp:publisher', scopes: ['orders:write'] };
    expect(await access.principal(undefined, otherwise)).toEqual({
      name: 'amqp:publisher',
      scopes: new Set(['orders:write']),
    });
    expect(await refusal('Bearer sk_wrong', otherwise)).toMatchObject({ kind: 'unauthenticated' });
    expect(await refusal('', otherwise)).toMatchObject({ kind: 'unauthenticated' });
  });

  it('names the scope that is missing', async () => {
    const by = await access.principal(`Bearer ${SECRET}`);
    expect(() => access.demand(by, 'orders:read')).not.toThrow();
    expect(() => access.demand(by, 'ops')).toThrow(
      expect.objectContaining({ kind: 'forbidden', code: 'missing-scope', message: expect.stringContaining('ops') }),
    );
  });
});
