import { describe, expect, it } from 'vitest';
import type { Notification } from '../notification.js';
import type { Verdict } from '../provider.js';
import { SandboxProvider } from './sandbox.provider.js';

function message(messageId = 'm1'): Notification {
  return { messageId, collapseId: messageId, alert: 'Grüße', expiresAt: Date.now() + 60_000 };
}

async function send(
  provider: SandboxProvider,
  tokens: string[],
  messageId?: string,
  signal = new AbortController().signal,
) {
  const verdicts: (Verdict | undefined)[] = tokens.map(() => undefined);
  const report = (index: number, verdict: Verdict): void => {
    expect(verdicts[index]).toBeUndefined();
    verdicts[index] = verdict;
  };
  const recipients = tokens.map((token) => ({ token, platform: 'A', registeredAt: 0 }));
  await provider.open().send(message(messageId), recipients, report, signal);
  return verdicts;
}

const ACCEPT = { action: 'accept' };

describe('SandboxProvider', () => {
  it.each([
    ['sandbox:accepted', ACCEPT],
    ['sandbox:accepted:42', ACCEPT],
    ['sandbox:dropped', { action: 'acceptDropped', reason: 'dropped' }],
    ['sandbox:gone:42', { action: 'dropDevice', reason: 'gone', certain: true }],
    ['sandbox:invalid', { action: 'dropDevice', reason: 'invalid', certain: false }],
    ['sandbox:rejected', { action: 'fail', reason: 'rejected' }],
    [
      'sandbox:throttled-forever',
      { action: 'retryAfter', reason: 'throttled-forever', afterMs: 1_000, capMs: 3_600_000, scope: 'device' },
    ],
    ['sandbox:stopped', { action: 'stopApplication', reason: 'stopped' }],
    ['any other text', ACCEPT],
    ['sandbox:', ACCEPT],
    ['sandbox:constructor', ACCEPT],
    ['sandbox', ACCEPT],
  ])('%s always gets the same verdict', async (token, verdict) => {
    const provider = new SandboxProvider();
    expect(await send(provider, [token])).toEqual([verdict]);
    expect(await send(provider, [token])).toEqual([verdict]);
  });

  it.each([
    [
      'sandbox:throttled',
      { action: 'retryAfter', reason: 'throttled', afterMs: 1_000, capMs: 3_600_000, scope: 'device' },
    ],
    ['sandbox:unavailable:7', { action: 'retryBackoff', reason: 'unavailable' }],
    ['sandbox:ambiguous', { action: 'ambiguous', reason: 'ambiguous' }],
  ])('%s is accepted from the second send on, per message', async (token, first) => {
    const provider = new SandboxProvider();
    expect(await send(provider, [token], 'm1')).toEqual([first]);
    expect(await send(provider, [token, `${token}:other`], 'm1')).toEqual([
      ACCEPT,
      expect.objectContaining({ action: first.action }),
    ]);
    expect(await send(provider, [token], 'm1')).toEqual([ACCEPT]);
    expect(await send(provider, [token], 'm2')).toEqual([first]);
  });

  it('remembers a limited number of first sends, the newest', async () => {
    const provider = new SandboxProvider();
    const tokens = Array.from({ length: 10_001 }, (_, index) => `sandbox:unavailable:${index}`);
    await send(provider, tokens);
    expect(await send(provider, [tokens.at(-1)!])).toEqual([ACCEPT]);
    expect(await send(provider, [tokens[0]!])).toEqual([{ action: 'retryBackoff', reason: 'unavailable' }]);
  });

  it('accepts slow devices after about a second, all together, without delaying the rest', async () => {
    const reported: number[] = [];
    const recipients = ['sandbox:slow', 'sandbox:slow:2', 'sandbox:slow:3', 'sandbox:slow:4', 'x'].map((token) => ({
      token,
      platform: 'A',
      registeredAt: 0,
    }));
    const begun = performance.now();
    const done = new SandboxProvider()
      .open()
      .send(message(), recipients, (i) => reported.push(i), new AbortController().signal);
    expect(reported).toEqual([4]);
    await done;
    const took = performance.now() - begun;
    expect(reported).toEqual([4, 0, 1, 2, 3]);
    expect(took).toBeGreaterThan(950);
    // One after another would take 4 s.
    expect(took).toBeLessThan(3_900);
  });

  it('sends nothing after stopped or after an abort', async () => {
    const provider = new SandboxProvider();
    const stopped = await send(provider, ['x', 'sandbox:stopped', 'x', 'sandbox:gone']);
    expect(stopped.map((verdict) => verdict?.action)).toEqual(['accept', 'stopApplication', 'notSent', 'notSent']);
    expect(await send(provider, ['x'], 'm1', AbortSignal.abort())).toEqual([{ action: 'notSent' }]);
  });

  it('measures the plain JSON body in bytes', () => {
    const body = '{"messageId":"m1","alert":"Grüße","url":"https://example.com"}';
    const measured = new SandboxProvider().measure({ ...message(), url: 'https://example.com' });
    expect(measured).toBe(Buffer.byteLength(body));
  });
});
