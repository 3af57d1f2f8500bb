import { ApiProperty } from '@nestjs/swagger';
import { EXCLUSION_CODES } from './exclusion.js';
import type { Exclusion } from './exclusion.js';

/** Devices of a target that get nothing, for one reason. */
export class ExclusionAnswer implements Exclusion {
  @ApiProperty({
    enum: EXCLUSION_CODES,
    description:
      '`otherPlatform`: not a platform of the target. `unsubscribed`: from messages to all. `missingValue`: no value for `placeholder`, which has no default. `retired`: `reason` is that of the provider, or `unseen`.',
  })
  code!: Exclusion['code'];
  /** As in `excluded`. */
  @ApiProperty()
  reason!: string;
  @ApiProperty({ type: 'integer' })
  count!: number;
  placeholder?: string;
}
