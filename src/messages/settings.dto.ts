import { Type } from 'class-transformer';
import {
  Allow,
  IsBoolean,
  IsIn,
  IsInt,
  IsNumber,
  IsObject,
  IsOptional,
  Max,
  MaxLength,
  Min,
  ValidateNested,
} from 'class-validator';
import { EmptyIsAbsent, NumberFromText, OptionalText, OptionalTexts, UpperCase } from '../common/lenient.js';
import type { ApnsSettings, GcmSettings, SafariWebSettings, WebSettings } from '../providers/notification.js';
import { WnsDto } from './wns.dto.js';

/** `settings` of POST messages, by platform (mobilefirst.md §9.3). */

export const FOUR_WEEKS_S = 2_419_200;

export class ApnsDto implements ApnsSettings {
  @IsOptional()
  @IsInt({ message: 'it must be a whole number' })
  badge?: number;

  @OptionalText()
  sound?: string;

  @OptionalText()
  iosActionKey?: string;

  @IsOptional()
  @EmptyIsAbsent()
  @IsObject({ message: 'it must be an object' })
  payload?: Record<string, unknown>;

  @IsOptional()
  @UpperCase()
  @IsIn(['DEFAULT', 'MIXED', 'SILENT'], { message: 'it must be DEFAULT, MIXED or SILENT' })
  type?: 'DEFAULT' | 'MIXED' | 'SILENT';

  @OptionalText()
  interactiveCategory?: string;

  @OptionalText()
  category?: string;

  @OptionalText()
  title?: string;

  @OptionalText()
  subtitle?: string;

  @OptionalText()
  attachmentUrl?: string;

  @OptionalText()
  titleLocKey?: string;

  @OptionalTexts()
  titleLocArgs?: string[];

  @OptionalText()
  locKey?: string;

  @OptionalTexts()
  locArgs?: string[];

  @OptionalText()
  launchImage?: string;

  @OptionalText()
  @MaxLength(64, { message: 'it must be at most 64 characters' })
  apnsCollapseId?: string;

  @OptionalText()
  apnsThreadId?: string;

  @OptionalText()
  apnsGroupSummaryArg?: string;

  @IsOptional()
  @IsInt({ message: 'it must be a whole number' })
  apnsGroupSummaryArgCount?: number;
}

class LightsDto {
  @OptionalText()
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
  @OptionalText()
  notification_type?: string;

  @OptionalText()
  type?: string;

  @OptionalText()
  title?: string;

  @OptionalText()
  url?: string;

  @OptionalText()
  text?: string;

  @OptionalTexts()
  lines?: string[];
}

export class GcmDto implements GcmSettings {
  @OptionalText()
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

  @OptionalText()
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

  @OptionalText()
  redact?: string;

  @IsOptional()
  @IsBoolean({ message: 'it must be true or false' })
  bridge?: boolean;

  @OptionalText()
  category?: string;

  @OptionalText()
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

  @OptionalText()
  icon?: string;

  @OptionalText()
  androidTitle?: string;

  @OptionalText()
  groupId?: string;

  @OptionalText()
  channelId?: string;
}

export class WebDto implements WebSettings {
  @OptionalText()
  title?: string;

  @OptionalText()
  iconUrl?: string;

  @IsOptional()
  @NumberFromText()
  @IsInt({ message: 'it must be a whole number of seconds' })
  @Min(0, { message: 'it must be at least 0' })
  @Max(FOUR_WEEKS_S, { message: `it must be at most ${FOUR_WEEKS_S} (four weeks)` })
  timeToLive?: number;

  /** An object, or text as IBM's Go SDK types it. */
  @IsOptional()
  @EmptyIsAbsent()
  @Allow()
  payload?: unknown;
}

export class SafariWebDto implements SafariWebSettings {
  @OptionalText()
  title?: string;

  @OptionalText()
  body?: string;

  @OptionalTexts()
  urlArgs?: string[];

  @OptionalText()
  action?: string;
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

  @IsOptional()
  @IsObject({ message: 'it must be an object' })
  @ValidateNested()
  @Type(() => WnsDto)
  wns?: WnsDto;

  @IsOptional()
  @IsObject({ message: 'it must be an object' })
  @ValidateNested()
  @Type(() => WebDto)
  chromeWeb?: WebDto;

  @IsOptional()
  @IsObject({ message: 'it must be an object' })
  @ValidateNested()
  @Type(() => WebDto)
  firefoxWeb?: WebDto;

  @IsOptional()
  @IsObject({ message: 'it must be an object' })
  @ValidateNested()
  @Type(() => SafariWebDto)
  safariWeb?: SafariWebDto;

  /** One of the vendor's own samples has the target here by a misplaced brace. */
  @Allow()
  target?: unknown;
}
