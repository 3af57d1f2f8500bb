import { ArrayNotEmpty, IsArray, IsIn, IsInt, IsOptional, Max, Min } from 'class-validator';
import { NumberFromText } from '../../common/lenient.js';
import type { OutcomeName } from '../../delivery/outcome.js';
import { FOUR_WEEKS_S } from '../request/gcm.dto.js';

/** Outcomes that can be sent again: every settled outcome except accepted. */
const RESENDABLE = ['rejected', 'failed', 'expired', 'cancelled', 'unknown'] as const satisfies readonly OutcomeName[];

export class ResendDto {
  /**
   * The outcomes of the deliveries to send again.
   * @example ['failed', 'expired']
   */
  @IsArray({ message: 'it is required and must be a list of outcomes' })
  @ArrayNotEmpty({ message: 'it must name at least one outcome' })
  @IsIn(RESENDABLE, { each: true, message: `each must be one of ${RESENDABLE.join(', ')}` })
  outcomes!: (typeof RESENDABLE)[number][];

  /** Seconds from now until the message expires. Default: the original's time to live. */
  @IsOptional()
  @NumberFromText()
  @IsInt({ message: 'it must be a whole number of seconds' })
  @Min(1, { message: 'it must be at least 1' })
  @Max(FOUR_WEEKS_S, { message: `it must be at most ${FOUR_WEEKS_S} (four weeks)` })
  ttl?: number;
}
