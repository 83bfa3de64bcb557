import { Metadata } from '@grpc/grpc-js';
import { Signature } from '../../messaging/outbox/signature.js';
import { demandSigned, signedCall } from './house-call.js';

const METHOD = '/sanmon.inventory.internal.v1.QuotesService/QuoteItems';
const ours = new Signature('a secret of this house');
const refused = expect.objectContaining({ kind: 'unauthenticated', code: 'unauthenticated' }) as unknown;

function judged(metadata: Metadata, asked = ['tea', 'cup'], method = METHOD): unknown {
  try {
    return demandSigned(ours, method, asked, metadata);
  } catch (error) {
    return error;
  }
}

describe('a call between processes of one house', () => {
  it('is let in when it is signed with the same secret', () => {
    expect(judged(signedCall(ours, METHOD, ['tea', 'cup']))).toBeUndefined();
  });

  it.each<[string, unknown]>([
    ['nothing is signed', judged(new Metadata())],
    ['another secret signed it', judged(signedCall(new Signature('a secret of others'), METHOD, ['tea', 'cup']))],
    ['something else was asked', judged(signedCall(ours, METHOD, ['tea', 'cup']), ['tea', 'pot'])],
    ['it was meant for another method', judged(signedCall(ours, METHOD, ['tea', 'cup']), ['tea', 'cup'], '/other')],
    ['it is two minutes old', judged(signedCall(ours, METHOD, ['tea', 'cup'], Date.now() - 120_000))],
    ['it comes from the future', judged(signedCall(ours, METHOD, ['tea', 'cup'], Date.now() + 120_000))],
  ])('is refused when %s', (_why, outcome) => {
    expect(outcome).toEqual(refused);
  });

  it('is refused when its time is changed after signing', () => {
    const metadata = signedCall(ours, METHOD, ['tea', 'cup'], Date.now() - 120_000);
    metadata.set('sanmon-time', String(Date.now()));
    expect(judged(metadata)).toEqual(refused);
  });
});
