import { accepts } from './accept.js';

describe('Accept', () => {
  it.each([
    undefined,
    '',
    '*/*',
    'application/*',
    'application/json',
    'application/problem+json',
    'text/html, */*;q=0.1',
  ])('takes JSON: %s', (accept) => expect(accepts(accept, 'application/json')).toBe(true));
  it.each(['APPLICATION/JSON; charset=utf-8', 'text/html;q=0.9,application/json;q=0.001', 'text/*;q=0, application/*'])(
    'takes JSON: %s',
    (accept) => expect(accepts(accept, 'application/json')).toBe(true),
  );
  it.each([
    'text/html',
    'application/xml',
    'text/event-stream',
    'application/json;q=0, */*',
    '*/*;q=0',
    'application/*;q=0.0,*/*',
  ])('takes no JSON: %s', (accept) => expect(accepts(accept, 'application/json')).toBe(false));
});
