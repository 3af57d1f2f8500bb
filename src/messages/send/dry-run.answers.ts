import { ApiProperty } from '@nestjs/swagger';
import { WarningAnswer } from '../request/warning.answers.js';
import { BindingAnswer } from './estimate.answers.js';
import { ExclusionAnswer } from './exclusion.answers.js';

const COUNTS = { type: 'object' as const, additionalProperties: { type: 'integer' as const } };

export class DryRunAudienceAnswer {
  /** Null if a part is relayed, because only the upstream knows the number of its devices. */
  @ApiProperty({ type: 'integer', nullable: true })
  total!: number | null;
  @ApiProperty(COUNTS)
  providers!: Record<string, number>;
  /** False: estimated from a sample, in an application with more than a million devices. */
  exact!: boolean;
}

export class DryRunUpstreamAnswer {
  /** True: nothing would be sent from this server. */
  whole!: boolean;
  /** For a target of device or user ids: how many would be relayed. */
  @ApiProperty({ type: 'integer' })
  ids?: number;
  /** Number of ids in the target. */
  @ApiProperty({ type: 'integer' })
  of?: number;
}

export class DryRunSizeAnswer {
  platform!: string;
  provider!: string;
  @ApiProperty({ type: 'integer' })
  bytes!: number;
  @ApiProperty({ type: 'integer' })
  limit!: number;
}

export const BLOCK_CODES = [
  'applicationDisabled',
  'applicationStopped',
  'notConfigured',
  'providerPaused',
  'tooLarge',
] as const;

export class DryRunBlockAnswer {
  provider?: string;
  @ApiProperty({ enum: BLOCK_CODES })
  code!: (typeof BLOCK_CODES)[number];
  reason!: string;
  /** Only of `providerPaused`: the provider’s reason. */
  pausedReason?: string;
  /** Only of `tooLarge`. */
  @ApiProperty({ type: 'integer' })
  bytes?: number;
  /** Only of `tooLarge`. */
  @ApiProperty({ type: 'integer' })
  limit?: number;
}

export class EstimateAnswer {
  /** Absent if the end of the cause is unknown. */
  finishTime?: string;
  /** The cause that decides the end. */
  binding!: BindingAnswer;
  /** Open deliveries of earlier messages at the same providers, which are sent first. */
  @ApiProperty({ type: 'integer' })
  ahead!: number;
}

export class DryRunAnswer {
  @ApiProperty({ enum: [true] })
  dryRun!: true;
  /** Devices that would get the message from this server. */
  audience!: DryRunAudienceAnswer;
  /** Absent unless the message or a part would be relayed to the upstream. */
  upstream?: DryRunUpstreamAnswer;
  /** Number of devices in the target that would get nothing, by reason. */
  @ApiProperty(COUNTS)
  excluded!: Record<string, number>;
  /** The same numbers with codes. */
  exclusions!: ExclusionAnswer[];
  sizes!: DryRunSizeAnswer[];
  /** Reasons why the message would not be sent. */
  blocked!: DryRunBlockAnswer[];
  warnings!: string[];
  /** The same warnings with codes. */
  warningDetails!: WarningAnswer[];
  sendTime?: string;
  expiresTime!: string;
  /**
   * The end of the message by what is known now. Absent if no device would get the message from this server, or if a
   * part is relayed.
   */
  estimate?: EstimateAnswer;
}
