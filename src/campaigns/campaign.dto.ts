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
import { MAX_MOMENTS } from './schedule/schedule.js';

/** The body of a campaign. What needs more than one field, or a look at a calendar, is checked by campaign-definition.ts. */

const MAX_NAME = 255;
const MAX_VARIANTS = 10;
const WEEK_S = 7 * DAY_S;
const TEXT = { message: 'it must be a string' };
const SECONDS = { message: 'it must be a whole number of seconds' };

export class ScheduleDto {
  /** Five fields, or six with seconds first. Either this or `at`. */
  @IsOptional()
  @IsString(TEXT)
  cron?: string;

  /** Moments: `2026-12-24T18:00:00+01:00`, or without an offset on the clocks of `timeZone`. */
  @IsOptional()
  @IsArray({ message: 'it must be a list of moments' })
  @ArrayNotEmpty({ message: 'it must have at least one moment' })
  @ArrayMaxSize(MAX_MOMENTS, { message: `it must have at most ${MAX_MOMENTS} moments` })
  @IsString({ each: true, message: 'each must be a string' })
  at?: string[];

  /** An IANA time zone, or `recipient`: each device’s own. Default UTC. */
  @IsOptional()
  @IsString(TEXT)
  timeZone?: string;

  /** Under `recipient`: of devices that have none. Default UTC. */
  @IsOptional()
  @IsString(TEXT)
  defaultTimeZone?: string;

  @IsOptional()
  @IsString(TEXT)
  start?: string;

  @IsOptional()
  @IsString(TEXT)
  end?: string;

  /** Dates, `YYYY-MM-DD`, on which it does not fire. */
  @IsOptional()
  @IsArray({ message: 'it must be a list of dates' })
  @ArrayMaxSize(MAX_MOMENTS, { message: `it must have at most ${MAX_MOMENTS} dates` })
  @IsString({ each: true, message: 'each must be a string' })
  exclude?: string[];

  /** Each firing comes up to so many seconds late. */
  @IsOptional()
  @NumberFromText()
  @IsInt(SECONDS)
  jitterSeconds?: number;
}

export class QuietHoursDto {
  /** `HH:MM` on the recipients’ clocks. */
  @Matches(/^([01]\d|2[0-3]):[0-5]\d$/, { message: 'it must be HH:MM' })
  from!: string;

  @Matches(/^([01]\d|2[0-3]):[0-5]\d$/, { message: 'it must be HH:MM' })
  to!: string;

  /** Until the quiet hours end, or for good. */
  @IsIn(['hold', 'drop'], { message: 'it must be hold or drop' })
  action!: 'hold' | 'drop';
}

export class PoliciesDto {
  /** Of what was missed while nothing ran. Default once. */
  @IsOptional()
  @IsIn(['skip', 'once', 'all'], { message: 'it must be skip, once or all' })
  catchUp?: 'skip' | 'once' | 'all';

  /** How old a missed firing may be under `all`. Default a day. */
  @IsOptional()
  @NumberFromText()
  @IsInt(SECONDS)
  @Min(60, { message: 'it must be at least 60' })
  @Max(WEEK_S, { message: `it must be at most ${WEEK_S} (a week)` })
  catchUpSeconds?: number;

  /** When an earlier run is still under way. Default allow. */
  @IsOptional()
  @IsIn(['allow', 'skip', 'cancel'], { message: 'it must be allow, skip or cancel' })
  overlap?: 'allow' | 'skip' | 'cancel';

  /** From 0 to 1: when so much of the last run failed or was rejected, the campaign is paused instead of fired. */
  @IsOptional()
  @NumberFromText()
  @IsNumber({}, { message: 'it must be a number' })
  @Min(0.001, { message: 'it must be at least 0.001' })
  @Max(1, { message: 'it must be at most 1' })
  pauseAtFailureShare?: number;

  @IsOptional()
  @Nested(() => QuietHoursDto)
  quietHours?: QuietHoursDto;

  /** Messages of campaigns in 24 hours above which a user is passed over. */
  @IsOptional()
  @NumberFromText()
  @IsInt({ message: 'it must be a whole number' })
  @Min(1, { message: 'it must be at least 1' })
  @Max(100, { message: 'it must be at most 100' })
  dailyCap?: number;

  /** Deliveries a second of a run. Either this or `spreadSeconds`. */
  @IsOptional()
  @NumberFromText()
  @IsNumber({}, { message: 'it must be a number' })
  @Min(0.01, { message: 'it must be at least 0.01' })
  @Max(100_000, { message: 'it must be at most 100000' })
  ratePerSecond?: number;

  /** Each wave is spread evenly over so many seconds. */
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

  /** Of the users, in percent to two places. The same users at every run. */
  @NumberFromText()
  @IsNumber({ maxDecimalPlaces: 2 }, { message: 'it must be a number with at most two decimals' })
  @Min(0.01, { message: 'it must be at least 0.01' })
  @Max(100, { message: 'it must be at most 100' })
  share!: number;

  /** What is other than in the campaign’s content. */
  @IsOptional()
  @AnyObject()
  content?: Record<string, unknown>;

  @IsOptional()
  @AnyObject('it must be an object: languages, and what is other in them')
  languages?: Record<string, Record<string, unknown>>;
}

export class CampaignDto {
  @IsString({ message: 'it is required and must be a string' })
  @Length(1, MAX_NAME, { message: `it must be 1 to ${MAX_NAME} characters` })
  name!: string;

  /** As the body of a message, without its target. */
  @AnyObject('it is required and must be an object: a message’s body')
  content!: Record<string, unknown>;

  /** By language tag: what is other than in the content, field by field. */
  @IsOptional()
  @AnyObject('it must be an object: languages, and what is other in them')
  languages?: Record<string, Record<string, unknown>>;

  /** Shares of the users; who is in none gets nothing. */
  @IsOptional()
  @NestedList(() => VariantDto, 'it must be a list of variants')
  @ArrayNotEmpty({ message: 'it must have at least one variant' })
  @ArrayMaxSize(MAX_VARIANTS, { message: `it must have at most ${MAX_VARIANTS} variants` })
  split?: VariantDto[];

  /** As a message’s, and `languages`, `timeZones`, `appVersion` and `attributes` of devices. Left out: all devices. */
  @IsOptional()
  @AnyObject('it must be an object; leave it out to reach all devices')
  target?: Record<string, unknown>;

  @Nested(() => ScheduleDto, 'it is required and must be an object')
  schedule!: ScheduleDto;

  @IsOptional()
  @Nested(() => PoliciesDto)
  policies?: PoliciesDto;
}

export class DuplicateDto {
  /** Default: the original’s, and "(copy)". */
  @IsOptional()
  @IsString(TEXT)
  @MaxLength(MAX_NAME, { message: `it must be at most ${MAX_NAME} characters` })
  name?: string;
}
