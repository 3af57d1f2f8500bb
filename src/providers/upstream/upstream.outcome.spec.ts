import { describe, expect, it } from 'vitest';
import { readUpstreamOutcome } from './upstream.outcome.js';

const NOW = Date.parse('2026-11-25T10:00:00Z');
const BUSY = { afterMs: 5_000, capMs: 300_000 };

function read(status: number, body: unknown = '', headers: Record<string, string> = {}) {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return readUpstreamOutcome({ kind: 'answered', status, headers, body: Buffer.from(text) }, NOW);
}

const coded = (code: string) => ({ code, message: 'text of the message' });

describe('readUpstreamOutcome', () => {
  it.each<[string, number, unknown, object]>([
    ['the id is stored', 202, { message: {}, messageId: 'fnDWK8bG' }, { action: 'accept', receipt: 'fnDWK8bG' }],
    ['the id is stored with another success', 200, { messageId: '1234' }, { action: 'accept', receipt: '1234' }],
    ['202 without an id is enough', 202, '', { action: 'accept' }],
    ['an invalid id', 202, { messageId: 'a b' }, { action: 'accept' }],
    ['a login form', 200, '<html>', { action: 'ambiguous', reason: 'HTTP 200 without a messageId' }],
    ['nothing', 204, '', { action: 'ambiguous', reason: 'HTTP 204 without a messageId' }],
    ['a redirect', 302, '', { action: 'stopApplication' }],
    ['a faulty message', 400, coded('FPWSE0005E'), { action: 'fail', reason: 'HTTP 400 FPWSE0005E' }],
    ['a refusal by a proxy', 403, '<html>', { action: 'fail', reason: 'HTTP 403' }],
    ['an unknown tag', 404, coded('FPWSE0001E'), { action: 'fail', reason: 'HTTP 404 FPWSE0001E' }],
    ['a push service that is starting', 404, '<html>', { action: 'retryBackoff', reason: 'HTTP 404' }],
    ['an unknown code', 404, coded('hello world'), { action: 'retryBackoff', reason: 'HTTP 404' }],
    ['a request that came too slowly', 408, '', { action: 'retryBackoff', reason: 'HTTP 408' }],
    ['a request for another server', 421, '', { action: 'retryBackoff', reason: 'HTTP 421' }],
    ['a request that came too early', 425, '', { action: 'retryBackoff', reason: 'HTTP 425' }],
    ['disabled', 409, coded('FPWSE1007E'), { action: 'stopApplication' }],
    ['a loop of relays', 409, coded('CARIL0409E'), { action: 'fail', reason: 'HTTP 409 CARIL0409E' }],
    ['too many requests', 429, '', { action: 'retryAfter', scope: 'application', ...BUSY }],
    ['an internal fault', 500, coded('FPWSE0010E'), { action: 'ambiguous', reason: 'HTTP 500 FPWSE0010E' }],
    ['an unsupported method', 501, '', { action: 'fail', reason: 'HTTP 501' }],
    ['a gateway that lost the answer', 502, '<html>', { action: 'ambiguous', reason: 'HTTP 502' }],
    ['unreachable', 503, '', { action: 'retryAfter', scope: 'host', ...BUSY }],
    ["busy with MobileFirst's code", 500, coded('FPWSE0025E'), { action: 'retryAfter', scope: 'host', ...BUSY }],
    ['a gateway that waited too long', 504, '', { action: 'ambiguous', reason: 'HTTP 504' }],
  ])('%s: %i', (_what, status, body, verdict) => {
    expect(read(status, body)).toEqual({ verdict: expect.objectContaining(verdict) as unknown });
  });

  it('waits as long as Retry-After says', () => {
    for (const status of [429, 503])
      expect(read(status, '', { 'retry-after': '90' }).verdict).toMatchObject({ afterMs: 90_000 });
  });

  it('repeats a request that conflicted with a change of the runtime’s state', () => {
    const { verdict } = read(409, '', { 'mfp-conflict': 'true' });
    expect(verdict).toMatchObject({ action: 'retryBackoff', firstMs: 200 });
  });

  it('reports a refused token', () => {
    const refused = { verdict: { action: 'retryBackoff', reason: 'HTTP 401' }, tokenRefused: true };
    expect(read(401, 'Unauthorized', { 'www-authenticate': 'Bearer error="invalid_token"' })).toEqual(refused);
    expect(read(401)).toEqual(refused);
  });

  it.each([401, 403])('names the scope that the upstream requires with %i', (status) => {
    const header = 'Bearer error="insufficient_scope", scope="RegisteredClient messages.write"';
    const { verdict, tokenRefused } = read(status, 'Forbidden', { 'www-authenticate': header });
    expect(verdict).toMatchObject({
      action: 'stopApplication',
      reason: expect.stringContaining('"RegisteredClient messages.write"') as unknown,
    });
    expect(tokenRefused).toBeUndefined();
  });

  it('stops for insufficient scope without a name, and for a forbidden client', () => {
    expect(read(403, '', { 'www-authenticate': 'Bearer error="insufficient_scope"' }).verdict).toMatchObject({
      reason: expect.stringContaining('another scope') as unknown,
    });
    expect(read(403, '', { 'www-authenticate': 'Bearer' }).verdict.action).toBe('stopApplication');
  });

  it('repeats nothing of the message', () => {
    for (const status of [400, 404, 409, 500, 503])
      expect(JSON.stringify(read(status, coded('FPWSE0005E')))).not.toContain('text');
  });

  it('retries requests that were not written, and never requests that may have been accepted', () => {
    expect(readUpstreamOutcome({ kind: 'refused', reason: 'ECONNREFUSED' }, NOW).verdict).toMatchObject({
      action: 'retryBackoff',
    });
    expect(readUpstreamOutcome({ kind: 'ambiguous', reason: 'time-out' }, NOW)).toEqual({
      verdict: { action: 'ambiguous', reason: 'time-out' },
    });
  });
});
