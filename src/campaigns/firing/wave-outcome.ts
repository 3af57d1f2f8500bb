import type { WaveState } from '../../database/campaign-tables.js';
import { OVERTAKEN } from '../campaign.js';
import type { WaveOutcome } from './wave.repository.js';

/** What the outcome of a wave comes to, pure. */

export function settle(outcome: WaveOutcome): { state: WaveState; reason: string | null; dueAt?: number } {
  if (outcome.do === 'skip') return { state: 'skipped', reason: outcome.reason };
  if (outcome.do === 'wait') return { state: 'waiting', reason: null, dueAt: outcome.until };
  return { state: outcome.do === 'send' ? 'sent' : 'empty', reason: null };
}

/** When a wave goes out: what was to be sent in this round of earlier ones is not. Answers the others, which are not of this round. */
export function overtake(seq: number, earlier: readonly number[], outcomes: Map<number, WaveOutcome>): number[] {
  if (outcomes.get(seq)?.do !== 'send') return [];
  for (const each of earlier)
    if (outcomes.has(each) && !isOver(outcomes.get(each))) outcomes.set(each, { do: 'skip', reason: OVERTAKEN });
  return earlier.filter((each) => !outcomes.has(each));
}

/** Nothing of it goes out any more. */
export function isOver(outcome: WaveOutcome | undefined): boolean {
  return outcome?.do === 'skip' || outcome?.do === 'empty';
}
