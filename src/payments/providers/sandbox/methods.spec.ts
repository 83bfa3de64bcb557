import { methodNamed } from './methods.js';

describe('The magic payment methods', () => {
  const fine = { delayMs: 0, errors: 0, silent: false, unavailable: false };

  it.each([
    ['pm_ok', fine],
    ['pm_declined', { ...fine, refusal: 'payment-declined' }],
    ['pm_insufficient_funds', { ...fine, refusal: 'insufficient-funds' }],
    ['pm_slow', { ...fine, delayMs: 2000 }],
    ['pm_timeout_then_ok', { ...fine, silent: true }],
    ['pm_error_then_ok', { ...fine, errors: 2 }],
    ['pm_capture_fails', { ...fine, captureRefusal: 'capture-failed' }],
    ['pm_unavailable', { ...fine, unavailable: true }],
  ])('%s behaves as the contract says', (name, behaviour) => {
    expect(methodNamed(name)).toEqual(behaviour);
  });

  it.each(['', 'pm_OK', 'pm_ok ', 'constructor', '__proto__', 'クレカ'])('"%s" is no method it knows', (name) => {
    expect(methodNamed(name)).toEqual({ ...fine, refusal: 'unknown-payment-method' });
  });
});
