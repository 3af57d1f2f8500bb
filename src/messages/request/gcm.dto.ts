import { IsBoolean, IsIn, IsInt, IsNumber, IsOptional, Max, Min } from 'class-validator';
import { DAY_S } from '../../common/durations.js';
import { AnyObject, Nested } from '../../common/fields.js';
import { EmptyIsAbsent, NumberFromText, OptionalText, OptionalTexts, UpperCase } from '../../common/lenient.js';
import type { GcmSettings } from '../../providers/notification.js';

/** Longest time to live at FCM (four weeks), and of every message here. */
export const FOUR_WEEKS_S = 28 * DAY_S;

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

/** `settings.gcm` of POST messages (docs/protocol/mobilefirst.md §9.3). */
export class GcmDto implements GcmSettings {
  @OptionalText()
  @EmptyIsAbsent()
  collapseKey?: string;

  @IsOptional()
  @IsBoolean({ message: 'it must be true or false' })
  delayWhileIdle?: boolean;

  @IsOptional()
  @EmptyIsAbsent()
  @AnyObject()
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
  @Nested(() => LightsDto)
  lights?: LightsDto;

  @IsOptional()
  @Nested(() => StyleDto)
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
