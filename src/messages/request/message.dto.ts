import { Allow, IsBoolean, IsIn, IsInt, IsOptional, IsString, Length, Max, Min } from 'class-validator';
import { Nested } from '../../common/fields.js';
import { EmptyIsAbsent, NumberFromText, OptionalText } from '../../common/lenient.js';
import { FOUR_WEEKS_S } from './gcm.dto.js';
import { MessageSettingsDto } from './settings.dto.js';

/** The body of POST messages (docs/protocol/mobilefirst.md §9.3), and our extensions. `target` has its own reader. */

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

export const MAX_LABEL = 100;

export class SendMessageDto {
  @Nested(() => MessageTextDto, 'it is required and must be an object with an alert')
  message!: MessageTextDto;

  /** 1: push; 3, push and SMS, is sent as push. SMS alone (2) is not offered. */
  @IsOptional()
  @NumberFromText()
  @IsIn([1, 3], { message: 'it must be 1 (push) or 3: SMS is not offered' })
  notificationType?: number;

  /** Left out: all devices. Present: it must name somebody. */
  @Allow()
  target?: TargetDto;

  @IsOptional()
  @EmptyIsAbsent()
  @Nested(() => MessageSettingsDto)
  settings?: MessageSettingsDto;

  /** Extension: seconds after it leaves until nobody wants it any more; 0: now or never. Default four weeks. */
  @IsOptional()
  @NumberFromText()
  @IsInt({ message: 'it must be a whole number of seconds' })
  @Min(0, { message: 'it must be at least 0' })
  @Max(FOUR_WEEKS_S, { message: `it must be at most ${FOUR_WEEKS_S} (four weeks)` })
  ttl?: number;

  /** Extension, instead of ttl: ISO 8601 with its offset. */
  @OptionalText()
  expiresAt?: string;

  /** Extension: when it leaves, ISO 8601 with its offset, at most a year from now. Default at once. */
  @OptionalText()
  sendAt?: string;

  /** Extension: how urgent for devices that save power. A platform's own setting goes before it. Default high. */
  @IsOptional()
  @IsIn(['high', 'normal'], { message: 'it must be high or normal' })
  priority?: 'high' | 'normal';

  /** Extension: a message with the same id replaces this one on the screen. Default the message id. */
  @IsOptional()
  @IsString({ message: 'it must be a string' })
  @Length(1, 64, { message: 'it must be 1 to 64 characters' })
  collapseId?: string;

  /** Extension: what to do with a delivery that may or may not have arrived. Default resend. */
  @IsOptional()
  @IsIn(['resend', 'hold'], { message: 'it must be resend or hold' })
  onUnknown?: 'resend' | 'hold';

  /** Extension: the caller's own word for the message, to find it by. */
  @IsOptional()
  @IsString({ message: 'it must be a string' })
  @Length(1, MAX_LABEL, { message: `it must be 1 to ${MAX_LABEL} characters` })
  label?: string;

  /** Extension, with `target.userIds`: the values that replace `{{name}}` in the message, by user id. */
  @Allow()
  data?: Record<string, Record<string, string | number | boolean>>;

  /** Extension: true answers what would happen, and sends nothing. */
  @IsOptional()
  @IsBoolean({ message: 'it must be true or false' })
  dryRun?: boolean;
}
