import { ApiExtraModels, ApiProperty, ApiPropertyOptional, getSchemaPath } from '@nestjs/swagger';
import {
  ArrayMaxSize,
  ArrayNotEmpty,
  IsArray,
  IsIn,
  IsInt,
  IsNumber,
  IsOptional,
  IsString,
  Length,
  Matches,
  Max,
  MaxLength,
  Min,
} from 'class-validator';
import { DAY_S } from '../common/durations.js';
import { NumberFromText } from '../common/lenient.js';
import { AnyObject, Nested, NestedList } from '../common/fields.js';
import { TargetDto } from '../messages/request/message.dto.js';
import { CampaignContentDto, ContentPartDto } from './campaign-content.dto.js';
import { MAX_MOMENTS } from './schedule/schedule.js';

/** The body of a campaign. Rules over several fields or the calendar are in campaign-definition.ts. */

const MAX_NAME = 255;
const MAX_VARIANTS = 10;
const WEEK_S = 7 * DAY_S;
const TEXT = { message: 'it must be a string' };
const SECONDS = { message: 'it must be a whole number of seconds' };
const BY_LANGUAGE = {
  type: 'object' as const,
  additionalProperties: { $ref: getSchemaPath(ContentPartDto) },
  description: 'By language tag: the fields that differ from the content',
};

export class ScheduleDto {
  /**
   * Minute, hour, day of month, month and day of week, or six fields with seconds first. Lists, ranges (also
   * `FRI-MON`), steps and names; `L` (last day of the month), `LW`, `15W`, `MON#1`, `5L` (last Friday); `@hourly`,
   * `@daily`, `@weekly`, `@monthly`, `@yearly`. Either `cron` or `at` is required.
   * @example '0 9 * * MON'
   */
  @IsOptional()
  @IsString(TEXT)
  cron?: string;

  /** Times: `2026-12-24T18:00:00+01:00`, or without an offset in the time zone of `timeZone`. */
  @IsOptional()
  @IsArray({ message: 'it must be a list of moments' })
  @ArrayNotEmpty({ message: 'it must have at least one moment' })
  @ArrayMaxSize(MAX_MOMENTS, { message: `it must have at most ${MAX_MOMENTS} moments` })
  @IsString({ each: true, message: 'each must be a string' })
  at?: string[];

  /**
   * An IANA time zone, or `recipient` for each device’s own. Default: UTC.
   * @example Europe/Berlin
   */
  @IsOptional()
  @IsString(TEXT)
  timeZone?: string;

  /** With `recipient`: time zone of devices without one. Default: UTC. */
  @IsOptional()
  @IsString(TEXT)
  defaultTimeZone?: string;

  @IsOptional()
  @IsString(TEXT)
  start?: string;

  @IsOptional()
  @IsString(TEXT)
  end?: string;

  /** Dates without a firing, `YYYY-MM-DD`. */
  @IsOptional()
  @IsArray({ message: 'it must be a list of dates' })
  @ArrayMaxSize(MAX_MOMENTS, { message: `it must have at most ${MAX_MOMENTS} dates` })
  @IsString({ each: true, message: 'each must be a string' })
  exclude?: string[];

  /** Each firing is delayed by 0 to this many seconds. */
  @IsOptional()
  @NumberFromText()
  @IsInt(SECONDS)
  jitterSeconds?: number;
}

export class QuietHoursDto {
  /** Local time of the recipient, `HH:MM`. */
  @Matches(/^([01]\d|2[0-3]):[0-5]\d$/, { message: 'it must be HH:MM' })
  from!: string;

  @Matches(/^([01]\d|2[0-3]):[0-5]\d$/, { message: 'it must be HH:MM' })
  to!: string;

  /** `hold`: deliver after the quiet hours. `drop`: do not deliver. */
  @IsIn(['hold', 'drop'], { message: 'it must be hold or drop' })
  action!: 'hold' | 'drop';
}

export class PoliciesDto {
  /**
   * Firings missed while no scheduler ran. `skip`: none is sent. `once`: only the last is sent. `all`:
   * each is sent, if it is not older than `catchUpSeconds`. Default: `once`.
   */
  @IsOptional()
  @IsIn(['skip', 'once', 'all'], { message: 'it must be skip, once or all' })
  catchUp?: 'skip' | 'once' | 'all';

  /** With `all`: the largest delay of a missed firing, in seconds. Default: one day. */
  @IsOptional()
  @NumberFromText()
  @IsInt(SECONDS)
  @Min(60, { message: 'it must be at least 60' })
  @Max(WEEK_S, { message: `it must be at most ${WEEK_S} (a week)` })
  catchUpSeconds?: number;

  /**
   * If an earlier run has not ended: `allow`: run both. `skip`: skip the new run. `cancel`: cancel the
   * earlier run. Default: `allow`.
   */
  @IsOptional()
  @IsIn(['allow', 'skip', 'cancel'], { message: 'it must be allow, skip or cancel' })
  overlap?: 'allow' | 'skip' | 'cancel';

  /**
   * From 0 to 1. If this share of the last run's deliveries failed or was rejected, the campaign is paused instead of
   * fired.
   */
  @IsOptional()
  @NumberFromText()
  @IsNumber({}, { message: 'it must be a number' })
  @Min(0.001, { message: 'it must be at least 0.001' })
  @Max(1, { message: 'it must be at most 1' })
  pauseAtFailureShare?: number;

  @IsOptional()
  @Nested(() => QuietHoursDto)
  quietHours?: QuietHoursDto;

  /** A user who has received this many campaign messages within 24 hours is skipped. */
  @IsOptional()
  @NumberFromText()
  @IsInt({ message: 'it must be a whole number' })
  @Min(1, { message: 'it must be at least 1' })
  @Max(100, { message: 'it must be at most 100' })
  dailyCap?: number;

  /** Deliveries per second of a run. Excludes `spreadSeconds`. */
  @IsOptional()
  @NumberFromText()
  @IsNumber({}, { message: 'it must be a number' })
  @Min(0.01, { message: 'it must be at least 0.01' })
  @Max(100_000, { message: 'it must be at most 100000' })
  ratePerSecond?: number;

  /** Each wave is spread evenly over this many seconds. */
  @IsOptional()
  @NumberFromText()
  @IsInt(SECONDS)
  @Min(1, { message: 'it must be at least 1' })
  @Max(WEEK_S, { message: `it must be at most ${WEEK_S} (a week)` })
  spreadSeconds?: number;
}

export class VariantDto {
  @IsString(TEXT)
  @Length(1, 40, { message: 'it must be 1 to 40 characters' })
  name!: string;

  /** Percentage of the users, with at most two decimals. The same users get the variant in every run. */
  @NumberFromText()
  @IsNumber({ maxDecimalPlaces: 2 }, { message: 'it must be a number with at most two decimals' })
  @Min(0.01, { message: 'it must be at least 0.01' })
  @Max(100, { message: 'it must be at most 100' })
  share!: number;

  /** The fields that differ from the campaign’s content. */
  @IsOptional()
  @AnyObject()
  @ApiPropertyOptional({ type: () => ContentPartDto })
  content?: Record<string, unknown>;

  @IsOptional()
  @AnyObject('it must be an object with the fields that differ, by language')
  @ApiPropertyOptional(BY_LANGUAGE)
  languages?: Record<string, Record<string, unknown>>;
}

@ApiExtraModels(ContentPartDto)
export class CampaignDto {
  /** @example 'Winter sale' */
  @IsString({ message: 'it is required and must be a string' })
  @Length(1, MAX_NAME, { message: `it must be 1 to ${MAX_NAME} characters` })
  name!: string;

  /** The body of a message, without `target`. */
  @AnyObject('it is required and must be an object, the body of a message')
  @ApiProperty({ type: () => CampaignContentDto })
  content!: Record<string, unknown>;

  @IsOptional()
  @AnyObject('it must be an object with the fields that differ, by language')
  @ApiPropertyOptional(BY_LANGUAGE)
  languages?: Record<string, Record<string, unknown>>;

  /** Shares of the users. Users outside of all variants get nothing. */
  @IsOptional()
  @NestedList(() => VariantDto, 'it must be a list of variants')
  @ArrayNotEmpty({ message: 'it must have at least one variant' })
  @ArrayMaxSize(MAX_VARIANTS, { message: `it must have at most ${MAX_VARIANTS} variants` })
  split?: VariantDto[];

  /**
   * The target of a message, plus `languages`, `timeZones`, `appVersion` and `attributes` of devices. If omitted, the
   * campaign goes to all devices.
   */
  @IsOptional()
  @AnyObject('it must be an object; omit it to reach all devices')
  @ApiPropertyOptional({ type: () => TargetDto })
  target?: Record<string, unknown>;

  @Nested(() => ScheduleDto, 'it is required and must be an object')
  schedule!: ScheduleDto;

  @IsOptional()
  @Nested(() => PoliciesDto)
  policies?: PoliciesDto;
}

export class ApproveCampaignDto {
  /**
   * The `revision` of the campaign as it was read.
   * @example kJ2x0fQvWm8rT1aZ
   */
  @IsString({ message: 'it is required and must be a string' })
  revision!: string;
}

export class DuplicateDto {
  /**
   * Default: the original’s name with "(copy)".
   * @example 'Spring sale'
   */
  @IsOptional()
  @IsString(TEXT)
  @MaxLength(MAX_NAME, { message: `it must be at most ${MAX_NAME} characters` })
  name?: string;
}
