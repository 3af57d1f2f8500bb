import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { DeliveryDetails } from '../database/tables.js';
import type { Verdict } from '../providers/provider.js';
import { BatchLedger } from './ledger.js';
import type { AttemptTerms } from './ledger.js';
import { OUTCOME, OUTCOME_NAMES } from './outcome.js';
import type { OutcomeName } from './outcome.js';
import { decide } from './retry-policy.js';
import type { Decision } from './retry-policy.js';

const NOW = Date.parse('2026-11-23T10:00:00Z');
const MINUTE = 60_000;
const TERMS: AttemptTerms = {
  now: NOW,
  acceptedAt: NOW,
  expiresAt: NOW + 60 * MINUTE,
  onUnknown: 'resend',
  cancelled: false,
};

function ledger(names: OutcomeName[], details: DeliveryDetails = {}): BatchLedger {
  return new BatchLedger(Buffer.from(names.map((name) => OUTCOME[name])), details);
}
const nameOf = (code: number | undefined): OutcomeName => OUTCOME_NAMES[code ?? -1] ?? 'pending';
const names = (of: BatchLedger) => [...of.outcomes].map((code) => OUTCOME_NAMES[code]);

/** The ledger that another worker reads: the committed bytes and the committed JSON. */
function reread(stored: BatchLedger): BatchLedger {
  return new BatchLedger(Buffer.from(stored.outcomes), JSON.parse(JSON.stringify(stored.details)) as DeliveryDetails);
}

describe('begin', () => {
  it('takes pending deliveries and no settled ones', () => {
    const batch = ledger(['pending', 'accepted', 'rejected', 'failed', 'expired', 'cancelled', 'pending']);
    expect(batch.begin(TERMS)).toEqual([0, 6]);
    expect(names(batch)).toEqual(['inFlight', 'accepted', 'rejected', 'failed', 'expired', 'cancelled', 'inFlight']);
  });

  it('takes a delivery at its due time, not before', () => {
    const retryAt = NOW + MINUTE;
    const batch = ledger(['pending', 'unknown'], { 0: { attempts: 1, retryAt }, 1: { attempts: 1, retryAt } });
    expect(batch.begin({ ...TERMS, now: retryAt - 1 })).toEqual([]);
    expect(batch.nextDue(NOW)).toBe(retryAt);
    expect(batch.begin({ ...TERMS, now: retryAt })).toEqual([0, 1]);
    expect(batch.details).toEqual({ 0: { attempts: 1 }, 1: { attempts: 1 } });
  });

  it('holds an unknown delivery without a due time for ever', () => {
    const batch = ledger(['unknown'], { 0: { attempts: 1, reason: 'connection lost' } });
    expect(batch.begin({ ...TERMS, now: NOW + 30 * MINUTE })).toEqual([]);
    expect(batch.nextDue(NOW)).toBeNull();
  });

  it('repeats the deliveries of a lost worker and counts the attempt', () => {
    const batch = ledger(['inFlight', 'accepted']);
    expect(batch.begin(TERMS)).toEqual([0]);
    expect(names(batch)).toEqual(['inFlight', 'accepted']);
    expect(batch.details[0]).toMatchObject({ attempts: 1, reason: 'the worker was lost' });
  });

  it('holds the deliveries of a lost worker if the message says so', () => {
    const batch = ledger(['inFlight']);
    expect(batch.begin({ ...TERMS, onUnknown: 'hold' })).toEqual([]);
    expect(names(batch)).toEqual(['unknown']);
    expect(batch.nextDue(NOW)).toBeNull();
  });

  it('stops after three lost workers', () => {
    let batch = ledger(['pending']);
    const due = [0, 1, 2, 3].map(() => {
      const positions = batch.begin(TERMS);
      batch = reread(batch);
      return positions.length;
    });
    expect(due).toEqual([1, 1, 1, 0]);
    expect(names(batch)).toEqual(['unknown']);
    expect(batch.details[0]?.attempts).toBe(3);
  });

  it.each<[string, Partial<AttemptTerms>, OutcomeName]>([
    ['cancelled', { cancelled: true }, 'cancelled'],
    ['expired', { now: TERMS.expiresAt }, 'expired'],
    ['cancelled and then expired', { cancelled: true, now: TERMS.expiresAt }, 'cancelled'],
  ])('of a message that is %s, sends nothing and settles the pending deliveries', (_what, change, outcome) => {
    const waiting = { attempts: 1, retryAt: NOW + MINUTE };
    const batch = ledger(['pending', 'pending', 'unknown', 'inFlight', 'accepted'], {
      1: { ...waiting },
      2: { ...waiting },
    });
    expect(batch.begin({ ...TERMS, ...change })).toEqual([]);
    // A delivery that may have arrived has not expired.
    expect(names(batch)).toEqual([outcome, outcome, 'unknown', 'unknown', 'accepted']);
    expect(batch.nextDue(NOW)).toBeNull();
  });

  it('expires at the end of the message, not before', () => {
    expect(ledger(['pending']).begin({ ...TERMS, now: TERMS.expiresAt - 1 })).toEqual([0]);
  });
});

describe('record', () => {
  it('stores no details of an acceptance at the first attempt', () => {
    const batch = ledger(['inFlight']);
    batch.record(0, { outcome: OUTCOME.accepted }, true);
    expect([names(batch), batch.details]).toEqual([['accepted'], {}]);
  });

  it('stores the reason, the attempts and the time of the next attempt', () => {
    const batch = ledger(['inFlight']);
    batch.record(0, { outcome: OUTCOME.pending, reason: '503', retryAt: NOW + MINUTE }, true);
    expect(batch.details[0]).toEqual({ attempts: 1, reason: '503', retryAt: NOW + MINUTE });
    expect(batch.begin({ ...TERMS, now: NOW + MINUTE })).toEqual([0]);
    batch.record(0, { outcome: OUTCOME.accepted }, true);
    expect(batch.details[0]).toEqual({ attempts: 2, reason: '503', retryAt: undefined });
  });

  it('does not count an attempt that was not written', () => {
    const batch = ledger(['inFlight'], { 0: { attempts: 1 } });
    batch.record(0, { outcome: OUTCOME.pending }, false);
    expect(batch.details[0]?.attempts).toBe(1);
    expect(batch.nextDue(NOW)).toBe(0);
  });

  it.each<[OutcomeName, OutcomeName]>([
    ['pending', 'accepted'],
    ['accepted', 'rejected'],
    ['accepted', 'accepted'],
    ['cancelled', 'inFlight'],
    ['unknown', 'expired'],
  ])('refuses %s to %s without a change', (from, to) => {
    const batch = ledger([from]);
    const decision = { outcome: OUTCOME[to], reason: 'x' };
    expect(() => batch.record(0, decision, true)).toThrow(`A delivery cannot go from ${from} to ${to}`);
    expect([names(batch), batch.details]).toEqual([[from], {}]);
  });
});

describe('a repeated delivery that may have arrived', () => {
  const accept = { outcome: OUTCOME.accepted };
  it.each<[string, Decision, boolean, OutcomeName, number | null]>([
    ['accepted', accept, true, 'accepted', null],
    ['rejected', { outcome: OUTCOME.rejected, reason: 'gone' }, true, 'rejected', null],
    ['refused', { outcome: OUTCOME.failed, reason: 'too large' }, true, 'failed', null],
    ['ambiguous again', { outcome: OUTCOME.unknown, retryAt: 9 }, true, 'unknown', 9],
    ['a refusal with a retry', { outcome: OUTCOME.pending, reason: 'busy', retryAt: 9 }, true, 'unknown', 9],
    ['a refusal whose retry would be too late', { outcome: OUTCOME.expired, reason: 'busy' }, true, 'unknown', null],
    ['not sent', { outcome: OUTCOME.pending }, false, 'unknown', 0],
    ['to a removed device', { outcome: OUTCOME.cancelled, reason: 'gone' }, false, 'unknown', null],
    ['at a provider without settings', { outcome: OUTCOME.failed, reason: 'none' }, false, 'unknown', null],
  ])('and %s', (_what, decision, written, outcome, nextDue) => {
    const batch = ledger(['unknown'], { 0: { attempts: 1, retryAt: NOW } });
    expect(batch.begin(TERMS)).toEqual([0]);
    batch.record(0, decision, written);
    expect([names(batch), batch.nextDue(NOW)]).toEqual([[outcome], nextDue]);
    // The earlier state does not matter after the next write.
    expect(reread(batch).begin({ ...TERMS, cancelled: true })).toEqual([]);
    expect(names(batch)).toEqual([outcome]);
  });
});

describe('settleLost', () => {
  it('calls the deliveries of a lost worker unknown and starts nothing', () => {
    const batch = ledger(['inFlight', 'pending', 'accepted']);
    batch.settleLost(TERMS);
    expect(names(batch)).toEqual(['unknown', 'pending', 'accepted']);
    expect(batch.details).toEqual({ 0: { attempts: 1, reason: 'the worker was lost', retryAt: NOW } });
    const held = ledger(['inFlight']);
    held.settleLost({ ...TERMS, onUnknown: 'hold' });
    expect([names(held), held.nextDue(NOW)]).toEqual([['unknown'], null]);
  });
});

it('situation counts the current write as an attempt', () => {
  const batch = ledger(['inFlight', 'inFlight'], { 1: { attempts: 2 } });
  expect(batch.situation(0, TERMS, NOW + 5, 0.25)).toMatchObject({ attempts: 1, now: NOW + 5, random: 0.25 });
  expect(batch.situation(1, TERMS, NOW, 0).attempts).toBe(3);
});

it('counts by code', () => {
  const batch = ledger(['pending', 'accepted', 'accepted', 'unknown', 'cancelled']);
  expect(batch.counts()).toEqual([1, 0, 2, 0, 0, 0, 1, 1]);
  expect(ledger([]).counts()).toEqual([0, 0, 0, 0, 0, 0, 0, 0]);
});

describe('nextDue', () => {
  it.each<[string, OutcomeName[], DeliveryDetails, number | null]>([
    ['all settled', ['accepted', 'rejected', 'failed', 'expired', 'cancelled', 'unknown'], {}, null],
    ['an empty batch', [], {}, null],
    ['a pending delivery is due at once', ['accepted', 'pending'], {}, 0],
    ['a delivery in flight is due at once', ['inFlight'], {}, 0],
    [
      'the earliest of several retries',
      ['pending', 'unknown'],
      { 0: { attempts: 1, retryAt: NOW + 5_000 }, 1: { attempts: 1, retryAt: NOW + 2_000 } },
      NOW + 2_000,
    ],
    [
      'retries within half a second together',
      ['pending', 'pending', 'pending'],
      {
        0: { attempts: 1, retryAt: NOW + 2_501 },
        1: { attempts: 1, retryAt: NOW + 2_500 },
        2: { attempts: 1, retryAt: NOW + 2_000 },
      },
      NOW + 2_500,
    ],
    [
      'retries within an eighth of a long wait together',
      ['pending', 'pending', 'unknown'],
      {
        0: { attempts: 1, retryAt: NOW + 80_000 },
        1: { attempts: 1, retryAt: NOW + 90_000 },
        2: { attempts: 1, retryAt: NOW + 90_001 },
      },
      NOW + 90_000,
    ],
    ['a held delivery beside a retry', ['unknown', 'pending'], { 1: { attempts: 1, retryAt: NOW + 9 } }, NOW + 9],
  ])('%s', (_what, outcomes, details, expected) => {
    expect(ledger(outcomes, details).nextDue(NOW)).toBe(expected);
  });
});

it('an unsent delivery that waits for its host is due with it, or earlier with a retry', () => {
  const batch = ledger(['pending', 'pending'], { 1: { attempts: 1, retryAt: NOW + 4_000 } });
  expect(batch.nextDue(NOW, NOW + 9_000)).toBe(NOW + 4_000);
  expect(batch.nextDue(NOW, NOW + 1_000)).toBe(NOW + 1_000);
});

it('an attempt takes no more than its turn allows and leaves the rest pending', () => {
  const batch = ledger(['pending', 'accepted', 'pending', 'inFlight', 'pending', 'unknown'], {
    4: { attempts: 1, retryAt: NOW + 1 },
    5: { attempts: 1, retryAt: NOW - 1 },
  });
  expect(batch.countDue(NOW)).toBe(4);
  expect(batch.begin(TERMS, 2)).toEqual([0, 2]);
  // Deliveries of a lost worker become unknown even if the turn does not include them.
  expect(names(batch)).toEqual(['inFlight', 'accepted', 'inFlight', 'unknown', 'pending', 'unknown']);
  expect(batch.nextDue(NOW)).toBe(0);
});

/** Written a second time on purpose: the changes that a reader of two consecutive versions may see. */
const SETTLED = new Set<number>([
  OUTCOME.accepted,
  OUTCOME.rejected,
  OUTCOME.failed,
  OUTCOME.expired,
  OUTCOME.cancelled,
]);
const UNSENT: OutcomeName[] = ['pending', 'expired', 'cancelled'];
const STEPS: Record<'begin' | 'record', Partial<Record<OutcomeName, OutcomeName[]>>> = {
  // A lost delivery that is repeated stays in flight.
  begin: {
    pending: ['pending', 'inFlight', 'expired', 'cancelled'],
    inFlight: ['inFlight', 'unknown'],
    unknown: ['unknown', 'inFlight'],
  },
  record: {
    pending: ['pending'],
    inFlight: ['inFlight', 'pending', 'accepted', 'rejected', 'failed', 'expired', 'unknown'],
    unknown: ['unknown'],
  },
};

const verdicts = fc.oneof(
  fc.constantFrom<Verdict>(
    { action: 'accept' },
    { action: 'acceptDropped', reason: 'dropped' },
    { action: 'dropDevice', reason: 'dead', certain: true },
    { action: 'fail', reason: 'too large' },
    { action: 'notSent' },
    { action: 'stopApplication', reason: 'bad key' },
    { action: 'ambiguous', reason: 'connection lost' },
    { action: 'retryBackoff', reason: 'busy' },
    { action: 'retryAfter', reason: 'slow down', afterMs: MINUTE, scope: 'device' },
  ),
);
const steps = fc.array(
  fc.oneof(
    { weight: 3, arbitrary: fc.record({ do: fc.constant('begin' as const), laterMs: fc.nat(5 * MINUTE) }) },
    {
      weight: 6,
      arbitrary: fc.record({
        do: fc.constant('record' as const),
        which: fc.nat(),
        verdict: verdicts,
        random: fc.double({ min: 0, max: 1, noNaN: true }),
      }),
    },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('checkpoint' as const) }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('crash' as const) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('cancel' as const) }) },
  ),
  { minLength: 1, maxLength: 60 },
);

describe('any sequence of begins, answers, checkpoints and crashes', () => {
  it('keeps every delivery exactly once, on allowed transitions only, and settled ones for ever', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 12 }),
        fc.constantFrom('resend' as const, 'hold' as const),
        steps,
        (size, onUnknown, history) => {
          const terms = { ...TERMS, onUnknown };
          let batch = new BatchLedger(Buffer.alloc(size), {});
          let stored = reread(batch);
          let inFlight: number[] = [];
          /** Times that each delivery was written to the provider, recorded or not. */
          const writes = new Array<number>(size).fill(0);
          /** Settled in a committed version: no crash may undo these. */
          const settledForGood = new Map<number, number>();
          /** Once unknown, a delivery may have arrived and never becomes unsent again. */
          const doubted = new Set<number>();

          const commit = () => {
            stored = reread(batch);
            for (const [position, code] of stored.outcomes.entries())
              if (SETTLED.has(code)) settledForGood.set(position, code);
          };
          const changed = (kind: 'begin' | 'record', before: Buffer) => {
            for (const [position, code] of batch.outcomes.entries()) {
              const [from, to] = [nameOf(before[position]), nameOf(code)];
              expect(STEPS[kind][from] ?? [from], `${kind}: ${from} to`).toContain(to);
            }
          };

          for (const step of history) {
            const before = Buffer.from(batch.outcomes);
            if (step.do === 'begin') {
              terms.now += step.laterMs;
              const due = batch.begin(terms);
              changed('begin', before);
              // Exactly the deliveries to write are marked, so that a crash after this can name every one of them.
              expect(due).toEqual([...batch.outcomes.keys()].filter((at) => batch.outcomes[at] === OUTCOME.inFlight));
              if (onUnknown === 'hold') {
                const again = due.filter((position) => before[position] === OUTCOME.inFlight);
                expect(again, 'held, yet written again').toEqual([]);
              }
              inFlight = due;
              commit();
              for (const position of due) writes[position] = (writes[position] ?? 0) + 1;
            } else if (step.do === 'record' && inFlight.length > 0) {
              const [position] = inFlight.splice(step.which % inFlight.length, 1) as [number];
              const decision = decide(step.verdict, batch.situation(position, terms, terms.now, step.random));
              batch.record(position, decision, step.verdict.action !== 'notSent');
              changed('record', before);
            } else if (step.do === 'checkpoint') {
              commit();
            } else if (step.do === 'crash') {
              batch = reread(stored);
              inFlight = [];
              for (const [position, code] of batch.outcomes.entries())
                if (code === OUTCOME.inFlight) doubted.add(position);
            } else if (step.do === 'cancel') {
              terms.cancelled = true;
            }
            expect(batch.counts().reduce((sum, count) => sum + count, 0)).toBe(size);
            for (const [position, code] of batch.outcomes.entries()) {
              if (code === OUTCOME.unknown) doubted.add(position);
              if (doubted.has(position)) expect(UNSENT, 'called unsent after all').not.toContain(nameOf(code));
            }
            for (const [position, code] of settledForGood) expect(batch.outcomes[position]).toBe(code);
          }

          // With every answer received and the time over, all is settled, and only written deliveries can be unknown.
          terms.now = terms.expiresAt;
          expect(batch.begin(terms)).toEqual([]);
          expect(batch.nextDue(NOW)).toBeNull();
          const [pending, flying] = batch.counts();
          expect([pending, flying]).toEqual([0, 0]);
          for (const [position, code] of batch.outcomes.entries())
            if (code === OUTCOME.unknown || code === OUTCOME.accepted || code === OUTCOME.rejected)
              expect(writes[position]).toBeGreaterThan(0);
        },
      ),
      { numRuns: 250 },
    );
  });
});
