import { expect, it } from 'vitest';
import { refuseLate } from './campaign.js';
import * as reasons from './reason.js';
import { REASON_CODES, reasonCodeOf } from './reason.js';
import type { ReasonCode } from './reason.js';

const HOUR_MS = 3_600_000;
const late = (catchUp: 'skip' | 'once' | 'all', catchUpSeconds = 60): string =>
  refuseLate({ catchUp, catchUpSeconds }, HOUR_MS, false) ?? 'sent';

const CASES: [ReasonCode, string][] = [
  ['applicationDisabled', reasons.DISABLED],
  ['earlierRun', reasons.UNDER_WAY],
  ['overtaken', reasons.OVERTAKEN],
  ['quietHours', reasons.IN_QUIET_HOURS],
  ['endsInQuietHours', reasons.DEAD_BY_MORNING],
  ['expired', reasons.TOO_OLD],
  ['removed', reasons.REMOVED],
  ['approval', reasons.AWAITS],
  ['missed', late('skip')],
  ['missed', late('once')],
  ['missed', late('all')],
  ['missed', `1,234 missed, from 2026-11-01T00:00:00.000Z to 2026-11-02T00:00:00.000Z; ${late('skip')}`],
  ['failures', '30 % of the last run failed or was rejected'],
  ['clientGone', 'the client night-shift was deleted or disabled'],
  ['invalid', "Not found: the audience does not exist. Check the 'target.audience' parameter value: VIP."],
];

it.each(CASES)('%s: %s', (code, reason) => {
  expect(reasonCodeOf(reason)).toBe(code);
});

it('has a case for each code', () => {
  expect(new Set(CASES.map(([code]) => code))).toEqual(new Set(REASON_CODES));
});
