import type { OutcomeName } from '../delivery/outcome.js';
import type { Definition } from './campaign.js';
import type { Campaign } from './campaign.repository.js';
import type { Run, RunMessage, RunWave } from './run.repository.js';

/** The API's answers about campaigns. Times are ISO 8601, UTC. */

export interface CampaignAnswer extends Definition {
  campaignId: string;
  /** The client that created the campaign. */
  clientId: string;
  state: string;
  /** Reason of a pause, if the pause was not requested by a client. */
  stateReason?: string;
  /** The next firing by the schedule. */
  nextTime?: string;
  createdTime: string;
  lastUpdatedTime: string;
  warnings?: string[];
}

export interface RunAnswer {
  runId: string;
  scheduledTime: string;
  /** True: fired by request, not by the schedule. */
  manual: boolean;
  state: string;
  /** Why the run was skipped or cancelled. */
  reason?: string;
  /**
   * Number of missed firings that this run stands for: the first was due at `missedFromTime`, the last at
   * `scheduledTime`.
   */
  missedCount?: number;
  missedFromTime?: string;
  /** Only in the answer to a manual firing. */
  warnings?: string[];
  audience: number;
  /** Devices skipped because of the daily cap. */
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
