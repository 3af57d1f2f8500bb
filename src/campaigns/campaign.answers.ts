import { ApiProperty } from '@nestjs/swagger';
import type { CampaignState, RunState, WaveState } from '../database/campaign-tables.js';
import type { MessageState } from '../database/tables.js';
import { OutcomesAnswer } from '../messages/report/message.answers.js';
import { WarningAnswer } from '../messages/request/warning.answers.js';
import { told } from '../messages/request/warning.js';
import type { Warning } from '../messages/request/warning.js';
import { BindingAnswer } from '../messages/send/estimate.answers.js';
import { ExclusionAnswer } from '../messages/send/exclusion.answers.js';
import type { Definition } from './campaign.js';
import { CampaignDto } from './campaign.dto.js';
import type { Campaign } from './campaign.repository.js';
import { NOTE_CODES } from './preview.js';
import { REASON_CODES, reasonCodeOf } from './reason.js';
import type { ReasonCode } from './reason.js';
import type { Run, RunWave } from './run.repository.js';

/** The API's answers about campaigns. Times are ISO 8601, UTC. */

export class CampaignAnswer extends CampaignDto implements Definition {
  campaignId!: string;
  /** The client that created the campaign. */
  clientId!: string;
  state!: CampaignState;
  /** Reason of a pause, if the pause was not requested by a client. */
  stateReason?: string;
  @ApiProperty({ enum: REASON_CODES })
  stateReasonCode?: ReasonCode;
  /** The next firing by the schedule. */
  nextTime?: string;
  /** Only of a campaign that is read alone: names the campaign with its saved audience, for an approval. */
  revision?: string;
  /** The client or person that approved the campaign last. */
  approvedBy?: string;
  createdTime!: string;
  lastUpdatedTime!: string;
  /** Names of ignored fields. */
  warnings?: string[];
  warningDetails?: WarningAnswer[];
}

export class CampaignListAnswer {
  campaigns!: CampaignAnswer[];
}

export class RunAnswer {
  runId!: string;
  scheduledTime!: string;
  /** True: fired by request, not by the schedule. */
  manual!: boolean;
  state!: RunState;
  /** Why the run was skipped or cancelled. */
  reason?: string;
  @ApiProperty({ enum: REASON_CODES })
  reasonCode?: ReasonCode;
  /**
   * Number of missed firings that this run stands for: the first was due at `missedFromTime`, the last at
   * `scheduledTime`.
   */
  @ApiProperty({ type: 'integer' })
  missedCount?: number;
  missedFromTime?: string;
  /** Only in the answer to a manual firing. */
  warnings?: string[];
  warningDetails?: WarningAnswer[];
  @ApiProperty({ type: 'integer' })
  audience!: number;
  /** Devices skipped because of the daily cap. */
  @ApiProperty({ type: 'integer' })
  capped!: number;
  /** Number of deliveries by outcome; their sum is the audience. */
  outcomes!: OutcomesAnswer;
}

export class RunListAnswer {
  runs!: RunAnswer[];
}

export class WaveMessageAnswer {
  messageId!: string;
  state!: MessageState;
  @ApiProperty({ type: 'integer' })
  audience!: number;
  variant?: string;
  language?: string;
}

export class WaveAnswer {
  dueTime!: string;
  state!: WaveState;
  reason?: string;
  @ApiProperty({ enum: REASON_CODES })
  reasonCode?: ReasonCode;
  messages!: WaveMessageAnswer[];
}

export class RunVariantAnswer {
  @ApiProperty({ type: String, nullable: true, description: 'Null: the run has no variants' })
  variant!: string | null;
  @ApiProperty({ type: 'integer' })
  audience!: number;
  /** Number of deliveries by outcome; their sum is the audience. */
  outcomes!: OutcomesAnswer;
}

export class FullRunAnswer extends RunAnswer {
  variants!: RunVariantAnswer[];
  waves!: WaveAnswer[];
}

export class UnfinishedMessageAnswer {
  messageId!: string;
  state!: MessageState;
}

/** The messages that were unfinished when their campaign was deleted. */
export class RemovedCampaignAnswer {
  messages!: UnfinishedMessageAnswer[];
}

class FiringNoteAnswer {
  @ApiProperty({
    enum: NOTE_CODES,
    description:
      '`recipientTime`: at the local time of each recipient. `gap`, `fold`: a clock change skips or repeats the time. `held`, `dropped`: by quiet hours. `afterTtl`: deliveries due after the time to live are not sent.',
  })
  code!: (typeof NOTE_CODES)[number];
  message!: string;
  /** Only of `gap`: the local time at which the campaign fires. */
  @ApiProperty({ format: 'local-date-time' })
  localTime?: string;
  /** Only of `held` and `dropped`: their number. */
  @ApiProperty({ type: 'integer' })
  waves?: number;
}

export class PreviewedFiringAnswer {
  /** In the time zone of the schedule, or of the recipients. */
  @ApiProperty({ format: 'local-date-time' })
  localTime!: string;
  /** UTC; in the recipients' time, the earliest. */
  @ApiProperty({ format: 'date-time' })
  time!: string;
  /** Only in the recipients' time or with quiet hours: the latest. */
  lastTime?: string;
  @ApiProperty({ type: 'integer' })
  waves?: number;
  /** When the last delivery is sent, for the current audience and the present limits of the providers: an estimate. */
  finishTime!: string;
  /** The cause that decides the end. */
  binding!: BindingAnswer;
  /** Effects of daylight saving, quiet hours and the time to live. */
  @ApiProperty({ type: [FiringNoteAnswer] })
  notes!: FiringNoteAnswer[];
}

const COUNTS = { type: 'object' as const, additionalProperties: { type: 'integer' as const } };

export class PreviewedMessageAnswer {
  @ApiProperty({ type: String, nullable: true })
  variant!: string | null;
  @ApiProperty({ type: String, nullable: true })
  language!: string | null;
  @ApiProperty({ type: 'integer' })
  audience!: number;
  @ApiProperty(COUNTS)
  excluded!: Record<string, number>;
}

export class PreviewAnswer {
  firings!: PreviewedFiringAnswer[];
  /** Current sizes: of all, and of each message of a wave. */
  @ApiProperty({ type: 'integer' })
  audience!: number;
  /** False: the sizes are estimated from a sample, in an application with more than a million devices. */
  exact!: boolean;
  /** Devices of the target that would get nothing, by reason. */
  @ApiProperty(COUNTS)
  excluded!: Record<string, number>;
  /** The same numbers with codes. */
  exclusions!: ExclusionAnswer[];
  messages!: PreviewedMessageAnswer[];
}

export function toCampaignAnswer(campaign: Campaign, warnings: readonly Warning[] = []): CampaignAnswer {
  return {
    campaignId: campaign.id,
    state: campaign.state,
    ...(campaign.stateReason !== null && {
      stateReason: campaign.stateReason,
      stateReasonCode: reasonCodeOf(campaign.stateReason),
    }),
    ...(campaign.nextAt && { nextTime: campaign.nextAt.toISOString() }),
    ...campaign.definition,
    clientId: campaign.clientId,
    ...(campaign.approvedBy !== null && { approvedBy: campaign.approvedBy }),
    createdTime: campaign.createdAt.toISOString(),
    lastUpdatedTime: campaign.updatedAt.toISOString(),
    ...told(warnings),
  };
}

export function toRunAnswer(run: Run): RunAnswer {
  return {
    runId: String(run.seq),
    scheduledTime: run.scheduledAt.toISOString(),
    manual: run.manual,
    state: run.state,
    ...becauseOf(run.reason),
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
    ...becauseOf(reason),
    messages: messages.map(({ messageId, state: messageState, audience, variant, language }) => ({
      messageId,
      state: messageState,
      audience,
      ...(variant !== null && { variant }),
      ...(language !== null && { language }),
    })),
  };
}

function becauseOf(reason: string | null): { reason?: string; reasonCode?: ReasonCode } {
  return reason === null ? {} : { reason, reasonCode: reasonCodeOf(reason) };
}
