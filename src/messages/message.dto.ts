import { Type } from 'class-transformer';
import {
  Allow,
  ArrayMaxSize,
  IsArray,
  IsBoolean,
  IsIn,
  IsInt,
  IsNumber,
  IsObject,
  IsOptional,
  IsString,
  Max,
  MaxLength,
  Min,
  ValidateNested,
} from 'class-validator';
import type { ApnsSettings, GcmSettings } from '../providers/notification.js';
import { EmptyIsAbsent, NumberFromText, UpperCase } from './lenient.js';

/** The body of POST messages (mobilefirst.md §9.3), and our extensions. The target has a reader of its own. */

const FOUR_WEEKS_S = 2_419_200;
const text = { message: 'it must be a string' };
const texts = { each: true, message: 'each must be a string' };

export class MessageTextDto {
  @IsString({ message: 'it is required and must be a string' })
  alert!: string;

  @IsOptional()
  @IsString(text)
  url?: string;
}

export class ApnsDto implements ApnsSettings {
  @IsOptional()
  @IsInt({ message: 'it must be a whole number' })
  badge?: number;

  @IsOptional()
  @IsString(text)
  sound?: string;

  @IsOptional()
  @IsString(text)
  iosActionKey?: string;

  @IsOptional()
  @EmptyIsAbsent()
  @IsObject({ message: 'it must be an object' })
  payload?: Record<string, unknown>;

  @IsOptional()
  @UpperCase()
  @IsIn(['DEFAULT', 'MIXED', 'SILENT'], { message: 'it must be DEFAULT, MIXED or SILENT' })
  type?: 'DEFAULT' | 'MIXED' | 'SILENT';

  @IsOptional()
  @IsString(text)
  interactiveCategory?: string;

  @IsOptional()
  @IsString(text)
  category?: string;

  @IsOptional()
  @IsString(text)
  title?: string;

  @IsOptional()
  @IsString(text)
  subtitle?: string;

  @IsOptional()
  @IsString(text)
  attachmentUrl?: string;

  @IsOptional()
  @IsString(text)
  titleLocKey?: string;

  @IsOptional()
  @IsArray({ message: 'it must be a list' })
  @IsString(texts)
  titleLocArgs?: string[];

  @IsOptional()
  @IsString(text)
  locKey?: string;

  @IsOptional()
  @IsArray({ message: 'it must be a list' })
  @IsString(texts)
  locArgs?: string[];

  @IsOptional()
  @IsString(text)
  launchImage?: string;

  @IsOptional()
  @IsString(text)
  @MaxLength(64, { message: 'it must be at most 64 characters' })
  apnsCollapseId?: string;

  @IsOptional()
  @IsString(text)
  apnsThreadId?: string;

  @IsOptional()
  @IsString(text)
  apnsGroupSummaryArg?: string;

  @IsOptional()
  @IsInt({ message: 'it must be a whole number' })
  apnsGroupSummaryArgCount?: number;
}

class LightsDto {
  @IsOptional()
  @IsString(text)
  ledArgb?: string;

  @IsOptional()
  @NumberFromText()
  @IsNumber({}, { message: 'it must be a number of milliseconds' })
  ledOnMs?: number;

  @IsOptional()
  @NumberFromText()
  @IsNumber({}, { message: 'it must be a number of milliseconds' })
  ledOffMs?: number;
}

class StyleDto {
  @IsOptional()
  @IsString(text)
  notification_type?: string;

  @IsOptional()
  @IsString(text)
  type?: string;

  @IsOptional()
  @IsString(text)
  title?: string;

  @IsOptional()
  @IsString(text)
  url?: string;

  @IsOptional()
  @IsString(text)
  text?: string;

  @IsOptional()
  @IsArray({ message: 'it must be a list' })
  @IsString(texts)
  lines?: string[];
}

export class GcmDto implements GcmSettings {
  @IsOptional()
  @IsString(text)
  collapseKey?: string;

  @IsOptional()
  @IsBoolean({ message: 'it must be true or false' })
  delayWhileIdle?: boolean;

  @IsOptional()
  @EmptyIsAbsent()
  @IsObject({ message: 'it must be an object' })
  payload?: Record<string, unknown>;

  /** Seconds. */
  @IsOptional()
  @NumberFromText()
  @IsInt({ message: 'it must be a whole number of seconds' })
  @Min(0, { message: 'it must be at least 0' })
  @Max(FOUR_WEEKS_S, { message: `it must be at most ${FOUR_WEEKS_S} (four weeks)` })
  timeToLive?: number;

  @IsOptional()
  @IsString(text)
  sound?: string;

  @IsOptional()
  @UpperCase()
  @IsIn(['MAX', 'HIGH', 'DEFAULT', 'LOW', 'MIN'], { message: 'it must be max, high, default, low or min' })
  priority?: string;

  @IsOptional()
  @IsBoolean({ message: 'it must be true or false' })
  sync?: boolean;

  @IsOptional()
  @UpperCase()
  @IsIn(['PUBLIC', 'PRIVATE', 'SECRET'], { message: 'it must be public, private or secret' })
  visibility?: string;

  @IsOptional()
  @IsString(text)
  redact?: string;

  @IsOptional()
  @IsBoolean({ message: 'it must be true or false' })
  bridge?: boolean;

  @IsOptional()
  @IsString(text)
  category?: string;

  @IsOptional()
  @IsString(text)
  interactiveCategory?: string;

  @IsOptional()
  @IsObject({ message: 'it must be an object' })
  @ValidateNested()
  @Type(() => LightsDto)
  lights?: LightsDto;

  @IsOptional()
  @IsObject({ message: 'it must be an object' })
  @ValidateNested()
  @Type(() => StyleDto)
  style?: StyleDto;

  @IsOptional()
  @UpperCase()
  @IsIn(['DEFAULT', 'SILENT'], { message: 'it must be DEFAULT or SILENT' })
  type?: 'DEFAULT' | 'SILENT';

  @IsOptional()
  @IsString(text)
  icon?: string;

  @IsOptional()
  @IsString(text)
  androidTitle?: string;

  @IsOptional()
  @IsString(text)
  groupId?: string;

  @IsOptional()
  @IsString(text)
  channelId?: string;
}

export class MessageSettingsDto {
  @IsOptional()
  @IsObject({ message: 'it must be an object' })
  @ValidateNested()
  @Type(() => ApnsDto)
  apns?: ApnsDto;

  @IsOptional()
  @IsObject({ message: 'it must be an object' })
  @ValidateNested()
  @Type(() => GcmDto)
  gcm?: GcmDto;

  /** One of the vendor's own samples has the target here by a misplaced brace. */
  @Allow()
  target?: unknown;
}

/** At most one of deviceIds, userIds and tagNames; platforms narrows any of them, or stands alone. */
export class TargetDto {
  @IsOptional()
  @IsArray()
  @ArrayMaxSize(10_000)
  deviceIds?: string[];

  @IsOptional()
  @IsArray()
  @ArrayMaxSize(10_000)
  userIds?: string[];

  @IsOptional()
  @IsArray()
  @ArrayMaxSize(1_000)
  tagNames?: string[];

  @IsOptional()
  @IsArray()
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
