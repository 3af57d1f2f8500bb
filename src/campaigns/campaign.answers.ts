import type { OutcomeName } from '../delivery/outcome.js';
import type { Definition } from './campaign.js';
import type { Campaign } from './campaign.repository.js';
import type { Run, RunMessage, RunWave } from './run.repository.js';

/** What the API answers of campaigns. Times are ISO 8601, UTC. */

export interface CampaignAnswer extends Definition {
  campaignId: string;
  /** The client that made it. */
  clientId: string;
  state: string;
  /** Why it is paused, when nobody paused it. */
  stateReason?: string;
  /** The moment that its schedule means next. */
  nextTime?: string;
  createdTime: string;
  lastUpdatedTime: string;
  warnings?: string[];
}

export interface RunAnswer {
  runId: string;
  scheduledTime: string;
  /** True: fired by hand. */
  manual: boolean;
  state: string;
  /** Why it was skipped or cancelled. */
  reason?: string;
  /** It stands for so many missed firings, the first of which was to come at `missedFromTime` and the last at `scheduledTime`. */
  missedCount?: number;
  missedFromTime?: string;
  /** Of a run that was just fired by hand. */
  warnings?: string[];
  audience: number;
  /** Devices passed over for a daily cap. */
  capped: number;
  outcomes: Record<OutcomeName, number>;
}

export interface WaveAnswer {
  dueTime: string;
  state: string;
  reason?: string;
  messages: (Pick<RunMessage, 'messageId' | 'state' | 'audience'> & { variant?: string; language?: string })[];
}

export function toCampaignAnswer(campaign: Campaign, warnings: readonly string[] = []): CampaignAnswer {
  return {
    campaignId: campaign.id,
    state: campaign.state,
    ...(campaign.stateReason !== null && { stateReason: campaign.stateReason }),
    ...(campaign.nextAt && { nextTime: campaign.nextAt.toISOString() }),
    ...campaign.definition,
    clientId: campaign.clientId,
    createdTime: campaign.createdAt.toISOString(),
    lastUpdatedTime: campaign.updatedAt.toISOString(),
    ...(warnings.length > 0 && { warnings: [...warnings] }),
  };
}

export function toRunAnswer(run: Run): RunAnswer {
  return {
    runId: String(run.seq),
    scheduledTime: run.scheduledAt.toISOString(),
    manual: run.manual,
    state: run.state,
    ...(run.reason !== null && { reason: run.reason }),
    ...(run.missed && { missedCount: run.missed.count, missedFromTime: run.missed.from.toISOString() }),
    audience: run.audience,
    capped: run.capped,
    outcomes: run.outcomes,
  };
}

export function toWaveAnswer({ dueAt, state, reason, messages }: RunWave): WaveAnswer {
  return {
    dueTime: dueAt.toISOString(),
    state,
    ...(reason !== null && { reason }),
    messages: messages.map(({ messageId, state: messageState, audience, variant, language }) => ({
      messageId,
      state: messageState,
      audience,
      ...(variant !== null && { variant }),
      ...(language !== null && { language }),
    })),
  };
}
