import { Type } from 'class-transformer';
import { Allow, IsIn, IsInt, IsObject, IsOptional, IsString, Max, Min, ValidateNested } from 'class-validator';
import { EmptyIsAbsent, NumberFromText, OptionalText } from '../common/lenient.js';
import { FOUR_WEEKS_S } from './gcm.dto.js';
import { MessageSettingsDto } from './settings.dto.js';

/** The body of POST messages (mobilefirst.md §9.3), and our extensions. The target has a reader of its own. */

export class MessageTextDto {
  @IsString({ message: 'it is required and must be a string' })
  alert!: string;

  @OptionalText()
  url?: string;
}

/** At most one of the three lists; platforms narrows any of them, or stands alone. For the document: target.ts reads it. */
export class TargetDto {
  deviceIds?: string[];
  userIds?: string[];
  tagNames?: string[];
  platforms?: string[];
}

export class SendMessageDto {
  @IsObject({ message: 'it is required and must be an object with an alert' })
  @ValidateNested()
  @Type(() => MessageTextDto)
  message!: MessageTextDto;

  /** 1: push. SMS (2, 3) is not offered. */
  @IsOptional()
  @NumberFromText()
  @IsIn([1], { message: 'it must be 1 (push): SMS is not offered' })
  notificationType?: number;

  /** Left out: all devices. Present: it must name somebody. */
  @Allow()
  target?: TargetDto;

  @IsOptional()
  @EmptyIsAbsent()
  @IsObject({ message: 'it must be an object' })
  @ValidateNested()
  @Type(() => MessageSettingsDto)
  settings?: MessageSettingsDto;

  /** Extension: seconds from now after which nobody wants it any more. Default four weeks. */
  @IsOptional()
  @IsInt({ message: 'it must be a whole number of seconds' })
  @Min(1, { message: 'it must be at least 1' })
  @Max(FOUR_WEEKS_S, { message: `it must be at most ${FOUR_WEEKS_S} (four weeks)` })
  ttl?: number;

  /** Extension: what to do with a delivery that may or may not have arrived. Default resend. */
  @IsOptional()
  @IsIn(['resend', 'hold'], { message: 'it must be resend or hold' })
  onUnknown?: 'resend' | 'hold';
}

export const DEFAULT_TTL_S = FOUR_WEEKS_S;
