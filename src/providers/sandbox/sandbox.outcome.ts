import { HOUR_MS } from '../../common/durations.js';
import type { Verdict } from '../provider.js';

export const ACCEPT: Verdict = { action: 'accept' };

/** The verdict that a sandbox token asks for, the verdict on later sends of the same message, or a slow acceptance. */
export interface SandboxOutcome {
  verdict: Verdict;
  /** The verdict from the second send of this message to this token on. Absent: the same as the first. */
  again?: Verdict;
  /** Milliseconds until the answer. */
  delayMs?: number;
}

const ACCEPTED: SandboxOutcome = { verdict: ACCEPT };

const OUTCOMES: Record<string, SandboxOutcome> = {
  accepted: ACCEPTED,
  dropped: { verdict: { action: 'acceptDropped', reason: 'dropped' } },
  gone: { verdict: { action: 'dropDevice', reason: 'gone', certain: true } },
  invalid: { verdict: { action: 'dropDevice', reason: 'invalid', certain: false } },
  rejected: { verdict: { action: 'fail', reason: 'rejected' } },
  throttled: { verdict: throttled('throttled'), again: ACCEPT },
  'throttled-forever': { verdict: throttled('throttled-forever') },
  unavailable: { verdict: { action: 'retryBackoff', reason: 'unavailable' }, again: ACCEPT },
  slow: { verdict: ACCEPT, delayMs: 1_000 },
  ambiguous: { verdict: { action: 'ambiguous', reason: 'ambiguous' }, again: ACCEPT },
  stopped: { verdict: { action: 'stopApplication', reason: 'stopped' } },
};

function throttled(reason: string): Verdict {
  return { action: 'retryAfter', reason, afterMs: 1_000, capMs: HOUR_MS, scope: 'device' };
}

/** Reads `sandbox:<outcome>` or `sandbox:<outcome>:<anything>`. A token of any other text is accepted. */
export function sandboxOutcome(token: string): SandboxOutcome {
  if (!token.startsWith('sandbox:')) return ACCEPTED;
  const end = token.indexOf(':', 8);
  const word = end < 0 ? token.slice(8) : token.slice(8, end);
  return Object.hasOwn(OUTCOMES, word) ? OUTCOMES[word]! : ACCEPTED;
}
