import { describe, expect, it } from 'vitest';
import type { Verdict } from '../provider.js';
import { Standing } from './web-push.standing.js';

const GOOGLE = 'https://fcm.googleapis.com';
const MOZILLA = 'https://updates.push.services.mozilla.com';
const EVIL = 'https://evil.example';
const ACCEPTED: Verdict = { action: 'accept' };
const REFUSED: Verdict = { action: 'stopApplication', reason: 'BadJwtToken' };
const DOUBTFUL: Verdict = { action: 'dropDevice', reason: 'HTTP 403', certain: false };

/** Judges each verdict in turn and returns the last result. */
function judged(standing: Standing, origin: string, verdict: Verdict, times: number, suspectKey = false) {
  const all = Array.from({ length: times }, () => standing.judge(origin, verdict, suspectKey));
  return all.at(-1)!;
}

describe('Standing', () => {
  it.each(['BadJwtToken', 'BadVapidPublicKey', 'BadAuthorizationHeader', 'HTTP 401'])(
    '%s of one origin never stops the application, however often',
    (reason) => {
      const standing = new Standing();
      const last = judged(standing, EVIL, { action: 'stopApplication', reason }, 100);
      expect(last).toMatchObject({ verdict: { action: 'retryBackoff', reason }, refused: reason });
    },
  );

  it('holds an origin at the third refusal in a row', () => {
    const standing = new Standing();
    expect(judged(standing, GOOGLE, REFUSED, 2).refused).toBeUndefined();
    judged(standing, GOOGLE, ACCEPTED, 1);
    expect(judged(standing, GOOGLE, REFUSED, 2).refused).toBeUndefined();
    expect(judged(standing, GOOGLE, REFUSED, 1).refused).toBe('BadJwtToken');
  });

  it('several origins that refuse stop the application if none has accepted', () => {
    const standing = new Standing();
    judged(standing, GOOGLE, REFUSED, 3);
    const { verdict } = judged(standing, MOZILLA, REFUSED, 3);
    const reason = 'BadJwtToken; refused by fcm.googleapis.com, updates.push.services.mozilla.com';
    expect(verdict).toEqual({ action: 'stopApplication', reason });
  });

  it('after one origin has accepted, others are held one by one', () => {
    const standing = new Standing();
    judged(standing, GOOGLE, ACCEPTED, 1);
    for (const n of [1, 2, 3, 4]) {
      const last = judged(standing, `https://evil${n}.example`, REFUSED, 3);
      expect(last).toMatchObject({ verdict: { action: 'retryBackoff' }, refused: 'BadJwtToken' });
    }
  });

  it('doubts the subscription if its origin has accepted the key before', () => {
    const standing = new Standing();
    judged(standing, GOOGLE, ACCEPTED, 1);
    const last = judged(standing, GOOGLE, { action: 'stopApplication', reason: 'HTTP 401' }, 1, true);
    expect(last).toEqual({ verdict: { action: 'dropDevice', reason: 'HTTP 401', certain: false } });
  });

  it('holds an origin after twenty uncertain removals in a row, and an acceptance resets the count', () => {
    const standing = new Standing();
    expect(judged(standing, EVIL, DOUBTFUL, 19).refused).toBeUndefined();
    judged(standing, EVIL, ACCEPTED, 1);
    expect(judged(standing, EVIL, DOUBTFUL, 19).refused).toBeUndefined();
    expect(judged(standing, EVIL, DOUBTFUL, 1)).toEqual({ verdict: DOUBTFUL, refused: 'HTTP 403' });
  });

  it('does not count certain removals', () => {
    const dead: Verdict = { action: 'dropDevice', reason: 'HTTP 410', certain: true };
    expect(judged(new Standing(), GOOGLE, dead, 100)).toEqual({ verdict: dead });
  });
});
