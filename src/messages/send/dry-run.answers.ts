import { ApiProperty } from '@nestjs/swagger';
import { BindingAnswer } from './estimate.answers.js';

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

export class DryRunBlockAnswer {
  provider?: string;
  reason!: string;
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
  sizes!: DryRunSizeAnswer[];
  /** Reasons why the message would not be sent. */
  blocked!: DryRunBlockAnswer[];
  warnings!: string[];
  sendTime?: string;
  expiresTime!: string;
  /**
   * The end of the message by what is known now. Absent if no device would get the message from this server, or if a
   * part is relayed.
   */
  estimate?: EstimateAnswer;
}
