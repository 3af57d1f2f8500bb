import { describe, expect, it } from 'vitest';
import { accepts } from './accept.js';

describe('accepts tells whether the Accept header allows a type', () => {
  it.each<[string | undefined, boolean]>([
    [undefined, true],
    ['', true],
    [' , ', true],
    ['*/*', true],
    ['*', true],
    ['application/json', true],
    ['Application/JSON; charset=utf-8', true],
    ['application/*', true],
    ['text/html, application/json;q=0.9', true],
    ['text/html,application/xhtml+xml,*/*;q=0.8', true],
    ['application/json;q=0.001', true],
    ['nonsense', true],
    ['text/html', false],
    ['text/*', false],
    ['application/xml', false],
    ['application/json;q=0', false],
    ['application/json; q=0.000, text/html', false],
    ['*/*;q=0', false],
  ])('%j: %j', (header, expected) => {
    expect(accepts(header, ['application/json'])).toBe(expected);
  });

  it('accepts any of several types', () => {
    const types = ['application/json', 'application/octet-stream'];
    expect(accepts('application/octet-stream', types)).toBe(true);
    expect(accepts('image/png', types)).toBe(false);
  });
});
