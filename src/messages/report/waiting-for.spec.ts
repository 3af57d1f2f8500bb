import { describe, expect, it } from 'vitest';
import { waitingFor } from './waiting-for.js';
import type { PartWait } from './waiting-for.js';

const NOW = Date.UTC(2026, 10, 29, 2, 14);
const at = (seconds: number): Date => new Date(NOW + seconds * 1_000);

const MESSAGE = {
  state: 'sending' as const,
  send_at: null,
  finished_at: null,
  paused_at: null,
  urgent: false,
  quiet: null,
  expand_at: null,
  rate_per_second: null,
  accepted_at: at(-90),
  worker_seen_at: at(-3),
  stopped_at: null,
  stopped_by: null,
};
const BUSY: PartWait = {
  provider: 'fcm',
  parked: 0,
  busy: 2,
  leased: 0,
  untried: 0,
  next_due: null,
  paused_reason: null,
  paused_since: null,
  next_try_at: null,
  pace: null,
  blocked_until: null,
};
const LATER = { ...BUSY, busy: 0, next_due: at(30) };
const PAUSED = { ...BUSY, busy: 0, parked: 3, paused_reason: 'InvalidProviderToken', paused_since: at(-60) };
const UNTRIED = { ...LATER, untried: 1 };
const NIGHT: [number, number][] = [[NOW - 1_000, NOW + 9_000]];

describe('the wait of a message', () => {
  it.each([
    ['nothing while it is sent', {}, [BUSY], null],
    ['nothing before its first batch', { state: 'accepted' as const }, [], null],
    ['nothing after its end', { finished_at: at(-1), paused_at: at(-2) }, [], null],
    ['nothing after a cancel', { state: 'cancelled' as const }, [{ ...BUSY, pace: 740 }], null],
    ['a person that paused it', { paused_at: at(-5) }, [BUSY], { kind: 'person', act: 'messagePaused', since: at(-5) }],
    [
      'a person that approves it, before its time',
      { state: 'awaitingApproval' as const, send_at: at(90) },
      [],
      { kind: 'person', act: 'approval', since: at(-90) },
    ],
    [
      'a person that stopped its application, before anything else',
      { paused_at: at(-5), stopped_at: at(-3), stopped_by: 'ops' },
      [PAUSED],
      { kind: 'person', act: 'applicationStopped', by: 'ops', since: at(-3) },
    ],
    ['its time', { state: 'scheduled' as const, send_at: at(90) }, [], { kind: 'time', until: at(90) }],
    ['its time, if it is relayed', { send_at: at(90) }, [LATER], { kind: 'time', until: at(90) }],
    [
      'a paused provider, while another sends',
      {},
      [
        { ...BUSY, provider: 'apns' as const },
        { ...PAUSED, next_try_at: at(4) },
      ],
      { kind: 'provider', provider: 'fcm', reason: 'InvalidProviderToken', since: at(-60), nextTryAt: at(4) },
    ],
    ['nothing when the provider’s pause has just ended', {}, [{ ...PAUSED, paused_reason: null }], null],
    [
      'a worker that was last seen a minute ago',
      { worker_seen_at: at(-60) },
      [{ ...BUSY, pace: 740 }],
      { kind: 'worker', since: at(-60) },
    ],
    ['a worker that never was', { worker_seen_at: null }, [BUSY], { kind: 'worker', since: at(-90) }],
    ['a worker, to be expanded', { worker_seen_at: null, state: 'accepted' as const }, [], { kind: 'worker' }],
    ['nothing while a worker restarts', { worker_seen_at: at(-59) }, [BUSY], null],
    ['nothing while a worker without a row holds a lease', { worker_seen_at: null }, [{ ...BUSY, leased: 1 }], null],
    ['the next try, not a worker', { worker_seen_at: null }, [LATER], { kind: 'retry' }],
    ['the quiet hours', { quiet: NIGHT, rate_per_second: 5 }, [LATER], { kind: 'quietHours', until: at(9) }],
    ['the quiet hours before its first batch', { quiet: NIGHT }, [], { kind: 'quietHours', until: at(9) }],
    ['its last batch that is sent in quiet hours', { quiet: NIGHT }, [BUSY], null],
    ['the pace', {}, [{ ...BUSY, pace: 740 }], { kind: 'pace', provider: 'fcm', perSecond: 740, until: null }],
    [
      'the time that the provider named',
      { urgent: true },
      [{ ...BUSY, pace: 740, blocked_until: at(7) }],
      { kind: 'pace', provider: 'fcm', perSecond: 740, until: at(7) },
    ],
    ['nothing if it is urgent and the provider has a pace', { urgent: true }, [{ ...BUSY, pace: 740 }], null],
    ['nothing at a provider where all is done', {}, [{ ...BUSY, busy: 0, pace: 740, blocked_until: at(7) }], null],
    ['its rate', { rate_per_second: 5 }, [UNTRIED], { kind: 'rate', perSecond: 5 }],
    ['its rate, while others wait for a retry', { rate_per_second: 5 }, [LATER, UNTRIED], { kind: 'rate' }],
    ['the next try, not its rate', { rate_per_second: 5 }, [LATER], { kind: 'retry', until: at(30) }],
    ['nothing while its last batch is sent', { rate_per_second: 5 }, [{ ...BUSY, leased: 1 }], null],
    ['its rate before the next page', { rate_per_second: 5, expand_at: at(3) }, [], { kind: 'rate', perSecond: 5 }],
    [
      'the earliest next try',
      {},
      [
        { ...LATER, next_due: at(60) },
        { ...LATER, provider: 'apns' as const },
      ],
      { kind: 'retry', provider: 'apns', until: at(30) },
    ],
    ['nothing while another provider sends', {}, [LATER, { ...BUSY, provider: 'apns' as const }], null],
  ])('%s', (_what, message, parts, expected) => {
    const told = waitingFor({ ...MESSAGE, ...message }, parts, NOW);
    if (expected === null) expect(told).toBeNull();
    else expect(told).toMatchObject(expected);
  });
});
