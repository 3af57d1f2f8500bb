import { ArrayNotEmpty, IsArray, IsIn, IsInt, IsOptional, Max, Min } from 'class-validator';
import { NumberFromText } from '../../common/lenient.js';
import type { OutcomeName } from '../../delivery/outcome.js';
import { FOUR_WEEKS_S } from '../request/gcm.dto.js';

/** What may be sent again: all that is settled and was not accepted. */
const RESENDABLE = ['rejected', 'failed', 'expired', 'cancelled', 'unknown'] as const satisfies readonly OutcomeName[];

export class ResendDto {
  /** The deliveries to send again: those with one of these outcomes. */
  @IsArray({ message: 'it is required and must be a list of outcomes' })
  @ArrayNotEmpty({ message: 'it must name at least one outcome' })
  @IsIn(RESENDABLE, { each: true, message: `each must be one of ${RESENDABLE.join(', ')}` })
  outcomes!: (typeof RESENDABLE)[number][];

  /** Seconds from now after which nobody wants it any more. Default: as long as the original had. */
  @IsOptional()
  @NumberFromText()
  @IsInt({ message: 'it must be a whole number of seconds' })
  @Min(1, { message: 'it must be at least 1' })
  @Max(FOUR_WEEKS_S, { message: `it must be at most ${FOUR_WEEKS_S} (four weeks)` })
  ttl?: number;
}
