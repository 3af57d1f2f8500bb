import type { WaveState } from '../../database/campaign-tables.js';
import type { NewMessage } from '../../messages/send/new-message.js';
import type { Definition } from '../campaign.js';
import { OVERTAKEN } from '../reason.js';
import type { WaveDecision, WavePlan } from './wave.js';

/** Outcomes of waves, pure. */

/** A wave that is due. Times are epoch ms. */
export interface DueWave {
  seq: number;
  runSeq: number;
  plan: WavePlan;
  dueAt: number;
  /** The moment of the run in the schedule; of a manual run, when it was started. */
  scheduledAt: number;
  manual: boolean;
  /** The rate of the run, if it has one already. */
  rateSeq: number | null;
  applicationEnabled: boolean;
  /** The application has an active campaign with a daily cap, so that every message is counted. */
  counted: boolean;
  campaignSeq: number;
  campaignId: string;
  applicationId: string;
  clientId: string;
  definition: Definition;
  /** The saved audience that the target names: its target, or `gone`. */
  audience?: Record<string, unknown> | 'gone';
}

/** A message of a wave, ready to be accepted. */
export interface ComposedMessage {
  variant: string | null;
  language: string | null;
  message: NewMessage;
}

/** `empty`: no device is in the zones of the wave. */
export type WaveOutcome =
  Exclude<WaveDecision, { do: 'send' }> | { do: 'send'; messages: ComposedMessage[] } | { do: 'empty' };

/** A wave as it is written after its outcome. */
export interface SettledWave {
  seq: number;
  runSeq: number;
  state: WaveState;
  reason: string | null;
  dueAt: number;
}

export function settle({ seq, runSeq, dueAt }: DueWave, outcome: WaveOutcome): SettledWave {
  const settled = { seq, runSeq, dueAt, reason: null };
  if (outcome.do === 'skip') return { ...settled, state: 'skipped', reason: outcome.reason };
  if (outcome.do === 'wait') return { ...settled, state: 'waiting', dueAt: outcome.until };
  return { ...settled, state: outcome.do === 'send' ? 'sent' : 'empty' };
}

/**
 * If wave `seq` is sent, marks the earlier waves of this round as skipped. Returns the earlier waves that are not of
 * this round.
 */
export function overtake(seq: number, earlier: readonly number[], outcomes: Map<number, WaveOutcome>): number[] {
  if (outcomes.get(seq)?.do !== 'send') return [];
  for (const each of earlier)
    if (outcomes.has(each) && !isOver(outcomes.get(each))) outcomes.set(each, { do: 'skip', reason: OVERTAKEN });
  return earlier.filter((each) => !outcomes.has(each));
}

/** True when nothing of the wave will be sent. */
export function isOver(outcome: WaveOutcome | undefined): boolean {
  return outcome?.do === 'skip' || outcome?.do === 'empty';
}
