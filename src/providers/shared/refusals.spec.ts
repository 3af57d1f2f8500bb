import { describe, expect, it } from 'vitest';
import type { Verdict } from '../provider.js';
import { Refusals } from './refusals.js';

const ACCEPTED: Verdict = { action: 'accept' };
const REFUSED: Verdict = { action: 'stopApplication', reason: 'InvalidProviderToken' };
const PASSING: Verdict = { action: 'retryBackoff', reason: 'HTTP 503' };
const DEAD: Verdict = { action: 'dropDevice', reason: 'Unregistered', certain: true };

function judged(...verdicts: Verdict[]): string {
  const refusals = new Refusals();
  return verdicts.map((verdict) => refusals.judge(verdict).action).at(-1)!;
}

describe('Refusals', () => {
  it.each<[string, Verdict[], string]>([
    ['credentials that were never accepted stop the application at the first refusal', [REFUSED], 'stopApplication'],
    ['accepted credentials continue after one refusal', [ACCEPTED, REFUSED], 'retryBackoff'],
    ['accepted credentials continue after two refusals', [ACCEPTED, REFUSED, REFUSED], 'retryBackoff'],
    ['the third refusal in a row stops', [ACCEPTED, REFUSED, REFUSED, REFUSED], 'stopApplication'],
    ['an acceptance resets the count', [ACCEPTED, REFUSED, REFUSED, ACCEPTED, REFUSED], 'retryBackoff'],
    ['an answer about a device resets the count', [ACCEPTED, REFUSED, REFUSED, DEAD, REFUSED], 'retryBackoff'],
    [
      'a failure of the provider does not reset the count',
      [ACCEPTED, REFUSED, REFUSED, PASSING, REFUSED],
      'stopApplication',
    ],
    ['other verdicts pass unchanged', [PASSING], 'retryBackoff'],
  ])('%s', (_what, verdicts, expected) => {
    expect(judged(...verdicts)).toBe(expected);
  });

  it('a refusal that the provider gives at times needs as many in a row as the caller says', () => {
    const refusals = new Refusals();
    const actions = [1, 2, 3].map(() => refusals.judge(REFUSED, 3).action);
    expect(actions).toEqual(['retryBackoff', 'retryBackoff', 'stopApplication']);
  });
});
