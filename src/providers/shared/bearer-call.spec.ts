import { describe, expect, it } from 'vitest';
import type { Verdict } from '../provider.js';
import { callWithToken } from './bearer-call.js';
import type { BearerTokenSource, Grant } from './bearer-tokens.js';
import { NOT_SENT } from './fan-out.js';

/** A source with `names` in order: a refused token makes room for the next one. */
function tokensOf(names: readonly string[], obtained: Grant = { token: 'obtained' }) {
  const refused: string[] = [];
  const left = [...names];
  const tokens: BearerTokenSource = {
    current: () => left[0],
    obtain: () => Promise.resolve(obtained),
    refuse: (token) => {
      refused.push(token);
      left.shift();
    },
  };
  return { tokens, refused };
}

const ACCEPT: Verdict = { action: 'accept' };
const STOP: Verdict = { action: 'stopApplication', reason: 'HTTP 401' };
const read = ({ status }: { kind: string; status: number }) =>
  status === 401 ? { verdict: STOP, tokenRefused: true as const } : { verdict: ACCEPT };

/** Answers `statuses` in order, and tells the tokens that were sent. */
function peer(statuses: readonly number[]) {
  const sent: string[] = [];
  const send = (token: string) => Promise.resolve({ kind: 'answered', status: statuses[sent.push(token) - 1] ?? 500 });
  return { send, sent };
}

describe('callWithToken', () => {
  it.each([
    ['an accepted token is used once', [200], ['a'], []],
    ['a refused token is replaced and the request is repeated', [401, 200], ['a', 'b'], ['a']],
    ['a second refused token is the answer', [401, 401], ['a', 'b'], ['a']],
  ] as const)('%s', async (_case, statuses, sentTokens, refusedTokens) => {
    const { tokens, refused } = tokensOf(['a', 'b', 'c']);
    const { send, sent } = peer(statuses);
    const answer = await callWithToken({ tokens }, send, read);
    expect(sent).toEqual(sentTokens);
    expect(refused).toEqual(refusedTokens);
    expect(answer).toMatchObject({
      token: sentTokens.at(-1),
      repeated: sentTokens.length > 1,
      outcome: { verdict: statuses.at(-1) === 401 ? STOP : ACCEPT },
    });
  });

  it('without mayRepeat the first refusal is the answer', async () => {
    const { tokens, refused } = tokensOf(['a', 'b']);
    const { send, sent } = peer([401, 200]);
    const answer = await callWithToken({ tokens, mayRepeat: false }, send, read);
    expect(answer).toMatchObject({ outcome: { verdict: STOP }, repeated: false });
    expect([sent, refused]).toEqual([['a'], []]);
  });

  it('a token that cannot be obtained is the answer, and nothing is sent', async () => {
    const { tokens } = tokensOf([], { verdict: STOP });
    const { send, sent } = peer([200]);
    expect(await callWithToken({ tokens }, send, read)).toEqual({ verdict: STOP });
    expect(sent).toEqual([]);
  });

  it('after an abort nothing is sent, the repetition neither', async () => {
    const abort = new AbortController();
    const { tokens } = tokensOf(['a', 'b']);
    const sent: string[] = [];
    const send = (token: string) => {
      sent.push(token);
      abort.abort();
      return Promise.resolve({ kind: 'answered', status: 401 });
    };
    expect(await callWithToken({ tokens, signal: abort.signal }, send, read)).toEqual({ verdict: NOT_SENT });
    expect(sent).toEqual(['a']);
  });

  it('a request that an abort kept from being written is not sent', async () => {
    const abort = new AbortController();
    const { tokens } = tokensOf(['a']);
    const send = () => {
      abort.abort();
      return Promise.resolve({ kind: 'refused', status: 0 });
    };
    expect(await callWithToken({ tokens, signal: abort.signal }, send, read)).toEqual({ verdict: NOT_SENT });
  });
});
