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
    ['credentials never accepted are refused once: the application stops', [REFUSED], 'stopApplication'],
    ['accepted ones that are refused once go on', [ACCEPTED, REFUSED], 'retryBackoff'],
    ['and twice', [ACCEPTED, REFUSED, REFUSED], 'retryBackoff'],
    ['the third in a row stops', [ACCEPTED, REFUSED, REFUSED, REFUSED], 'stopApplication'],
    [
      'an acceptance between them begins the count anew',
      [ACCEPTED, REFUSED, REFUSED, ACCEPTED, REFUSED],
      'retryBackoff',
    ],
    ['so does an answer about a device', [ACCEPTED, REFUSED, REFUSED, DEAD, REFUSED], 'retryBackoff'],
    ['trouble at the provider does not', [ACCEPTED, REFUSED, REFUSED, PASSING, REFUSED], 'stopApplication'],
    ['what is no refusal passes as it is', [PASSING], 'retryBackoff'],
  ])('%s', (_what, verdicts, expected) => {
    expect(judged(...verdicts)).toBe(expected);
  });

  it('a refusal that the provider gives at times needs as many in a row as the caller says', () => {
    const refusals = new Refusals();
    const actions = [1, 2, 3].map(() => refusals.judge(REFUSED, 3).action);
    expect(actions).toEqual(['retryBackoff', 'retryBackoff', 'stopApplication']);
  });
});
