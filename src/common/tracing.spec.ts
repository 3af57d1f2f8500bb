import { describe, expect, it } from 'vitest';
import { inSpan, readTraceparent } from './tracing.js';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const SPAN = 'b7ad6b7169203331';
const SAMPLED = `00-${TRACE}-${SPAN}-01`;

describe('the header of a caller', () => {
  it.each([
    [SAMPLED, SAMPLED],
    [`00-${TRACE}-${SPAN}-00`, `00-${TRACE}-${SPAN}-00`],
    // Other flags than `sampled` are not kept.
    [`00-${TRACE}-${SPAN}-ff`, SAMPLED],
    // A later version may have more fields.
    [`01-${TRACE}-${SPAN}-01-more`, SAMPLED],
    [`00-${TRACE}-${SPAN}-01-more`, null],
    [`ff-${TRACE}-${SPAN}-01`, null],
    [`00-${'0'.repeat(32)}-${SPAN}-01`, null],
    [`00-${TRACE}-${'0'.repeat(16)}-01`, null],
    [SAMPLED.toUpperCase(), null],
    [`${SAMPLED}, ${SAMPLED}`, null],
    [`01-${TRACE}-${SPAN}-01-${'x'.repeat(8_192)}`, null],
    ['', null],
    [undefined, null],
    [['a', 'b'], null],
  ])('%j is kept as %j', (header, kept) => expect(readTraceparent(header)).toBe(kept));
});

describe('without an SDK', () => {
  it.each([SAMPLED, null])('the parent %j is passed on', async (parent) => {
    expect(await inSpan('accept', parent, {}, (span) => Promise.resolve(span.traceparent))).toBe(parent);
  });

  it('an error passes', async () => {
    await expect(inSpan('accept', null, {}, () => Promise.reject(new Error('broken')))).rejects.toThrow('broken');
  });
});
