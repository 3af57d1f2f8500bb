import { ApiPropertyOptional } from '@nestjs/swagger';
import { Allow, IsBoolean, IsIn, IsInt, IsOptional, IsString, Length, Max, Min } from 'class-validator';
import { Nested } from '../../common/fields.js';
import { EmptyIsAbsent, NumberFromText, OptionalText } from '../../common/lenient.js';
import { WithSchema } from '../../common/schema.js';
import { PLATFORMS } from '../../devices/platform.js';
import { MAX_LABEL } from '../label.js';
import { FOUR_WEEKS_S } from './gcm.dto.js';
import { MessageSettingsDto } from './settings.dto.js';
import { APP_VERSION, MAX_ATTRIBUTES, MAX_VALUES } from './device-conditions.js';
import { LISTS, MAX_ID, MAX_NAME } from './target.js';

/** The body of POST messages (docs/protocol/mobilefirst.md §9.3) with the extensions; target.ts reads the target. */

export class MessageTextDto {
  /** @example Hello */
  @IsString({ message: 'it is required and must be a string' })
  alert!: string;

  @OptionalText()
  url?: string;
}

function idsOf(list: keyof typeof LISTS) {
  const items = { type: 'string' as const, minLength: 1, maxLength: MAX_ID };
  return { type: 'array' as const, minItems: 1, maxItems: LISTS[list], items };
}

const VERSION = { type: 'string' as const, pattern: APP_VERSION.source, example: '2.10.1' };

/**
 * Recipients: at most one of `userIds`, `deviceIds` and `tagNames`. `platforms` and the conditions narrow the list, or
 * stand alone: a device must match all of them.
 */
@WithSchema({ additionalProperties: false, minProperties: 1 })
export class TargetDto {
  @ApiPropertyOptional(idsOf('deviceIds'))
  deviceIds?: string[];
  @ApiPropertyOptional({ ...idsOf('userIds'), example: ['anna'] })
  userIds?: string[];
  @ApiPropertyOptional(idsOf('tagNames'))
  tagNames?: string[];
  @ApiPropertyOptional({ type: 'array', minItems: 1, items: { type: 'string', enum: [...PLATFORMS] } })
  platforms?: string[];
  /** Extension, here and below: language tags, `de` also matches `de-AT`. */
  @ApiPropertyOptional({ type: 'array', minItems: 1, maxItems: MAX_VALUES, items: { type: 'string', maxLength: 35 } })
  languages?: string[];

  @ApiPropertyOptional({
    type: 'array',
    minItems: 1,
    maxItems: MAX_VALUES,
    items: { type: 'string' },
    description: 'IANA time zones',
  })
  timeZones?: string[];

  @ApiPropertyOptional({
    type: 'object',
    minProperties: 1,
    additionalProperties: false,
    properties: { min: VERSION, max: VERSION },
  })
  appVersion?: { min?: string; max?: string };

  @ApiPropertyOptional({
    type: 'object',
    minProperties: 1,
    maxProperties: MAX_ATTRIBUTES,
    description: 'By name: a value, a list of alternatives, or `{min, max}` for a number',
    // No `oneOf` with a list in it: the generator for Java makes code of it that does not compile.
    additionalProperties: true,
  })
  attributes?: Record<string, unknown>;

  /** Extension: the name of a saved audience, whose members take its place. */
  @ApiPropertyOptional({ type: 'string', minLength: 1, maxLength: MAX_NAME })
  audience?: string;
}

export class SendMessageDto {
  @Nested(() => MessageTextDto, 'it is required and must be an object with an alert')
  message!: MessageTextDto;

  /** 1 (push) or 3 (push and SMS, sent as push only). 2 (SMS only) is refused. */
  @IsOptional()
  @NumberFromText()
  @IsIn([1, 3], { message: 'it must be 1 (push) or 3: SMS is not offered' })
  notificationType?: number;

  /** The recipients. If omitted, the message goes to all devices. If present, at least one recipient is required. */
  @Allow()
  target?: TargetDto;

  @IsOptional()
  @EmptyIsAbsent()
  @Nested(() => MessageSettingsDto)
  settings?: MessageSettingsDto;

  /** Extension: seconds from sending until the message expires; 0: deliver now or never. Default: four weeks. */
  @IsOptional()
  @NumberFromText()
  @IsInt({ message: 'it must be a whole number of seconds' })
  @Min(0, { message: 'it must be at least 0' })
  @Max(FOUR_WEEKS_S, { message: `it must be at most ${FOUR_WEEKS_S} (four weeks)` })
  ttl?: number;

  /** Extension, instead of `ttl`: time at which the message expires, ISO 8601 with an offset. */
  @OptionalText()
  expiresAt?: string;

  /** Extension: time at which to send, ISO 8601 with an offset, at most one year ahead. Default: now. */
  @OptionalText()
  sendAt?: string;

  /**
   * Extension: urgency for devices in power-saving mode. A platform's own setting takes precedence. Default: `high`.
   */
  @IsOptional()
  @IsIn(['high', 'normal'], { message: 'it must be high or normal' })
  priority?: 'high' | 'normal';

  /** Extension: a later message with the same id replaces this one on the screen. Default: the message id. */
  @IsOptional()
  @IsString({ message: 'it must be a string' })
  @Length(1, 64, { message: 'it must be 1 to 64 characters' })
  collapseId?: string;

  /**
   * Extension: the action if a delivery's result is unknown. `resend`: send again, which may show
   * the message twice. `hold`: do not send again. Default: `resend`.
   */
  @IsOptional()
  @IsIn(['resend', 'hold'], { message: 'it must be resend or hold' })
  onUnknown?: 'resend' | 'hold';

  /** Extension: a label of the caller's choice, to find the message by. */
  @IsOptional()
  @IsString({ message: 'it must be a string' })
  @Length(1, MAX_LABEL, { message: `it must be 1 to ${MAX_LABEL} characters` })
  label?: string;

  /** Extension, with `target.userIds`: the values that replace `{{name}}` in the message, by user id. */
  @Allow()
  @ApiPropertyOptional({
    type: 'object',
    maxProperties: 10_000,
    additionalProperties: {
      type: 'object',
      maxProperties: 100,
      additionalProperties: { oneOf: [{ type: 'string' }, { type: 'number' }, { type: 'boolean' }] },
    },
  })
  data?: Record<string, Record<string, string | number | boolean>>;

  /** Extension: if true, the answer reports recipients, sizes and warnings, and nothing is sent. */
  @IsOptional()
  @IsBoolean({ message: 'it must be true or false' })
  dryRun?: boolean;
}
