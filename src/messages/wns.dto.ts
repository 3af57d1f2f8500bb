import { applyDecorators } from '@nestjs/common';
import { Type } from 'class-transformer';
import {
  Allow,
  IsBoolean,
  IsIn,
  IsInt,
  IsObject,
  IsOptional,
  Max,
  Min,
  ValidateBy,
  ValidateNested,
} from 'class-validator';
import { EmptyIsAbsent, NumberFromText, OptionalText } from '../common/lenient.js';
import type { WnsSettings } from '../providers/notification.js';

/** `settings.wns` of POST messages: XML notifications as JSON (mobilefirst.md §9.3, Windows' toast, tile and badge schemas). */

/** Windows reads no notification after this long: a channel lives for 30 days. */
const CHANNEL_LIFE_S = 2_592_000;

/** An attribute of the XML: callers write numbers and booleans as such or as text. */
function MandatoryAttribute(): PropertyDecorator {
  const validate = (value: unknown): boolean => ['string', 'number', 'boolean'].includes(typeof value);
  const defaultMessage = (): string => 'it must be a string, a number or a boolean';
  return ValidateBy({ name: 'attribute', validator: { validate, defaultMessage } });
}

function Attribute(): PropertyDecorator {
  return applyDecorators(IsOptional(), MandatoryAttribute());
}

function Nested(type: () => new () => object): PropertyDecorator {
  return applyDecorators(IsOptional(), IsObject({ message: 'it must be an object' }), ValidateNested(), Type(type));
}

/** One, or a list of them: the vendor's toast has one binding and its tile several. */
function OneOrMore(type: () => new () => object): PropertyDecorator {
  const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null && !Array.isArray(value);
  const validate = (value: unknown): boolean => (Array.isArray(value) ? value.every(isObject) : isObject(value));
  const defaultMessage = (): string => 'it must be an object or a list of objects';
  const shape = ValidateBy({ name: 'oneOrMore', validator: { validate, defaultMessage } });
  return applyDecorators(IsOptional(), shape, ValidateNested(), Type(type));
}

class WnsImageDto {
  @MandatoryAttribute()
  src!: string;

  @Attribute()
  alt?: string;

  @Attribute()
  addImageQuery?: boolean;
}

class WnsTextDto {
  @MandatoryAttribute()
  content!: string;

  @Attribute()
  lang?: string;
}

/** What visual and binding have in common. */
class WnsVisualPartDto {
  @Attribute()
  addImageQuery?: boolean;

  @Attribute()
  baseUri?: string;

  @Attribute()
  branding?: string;

  @Attribute()
  contentId?: string;

  @Attribute()
  lang?: string;
}

class WnsBindingDto extends WnsVisualPartDto {
  @MandatoryAttribute()
  template!: string;

  @Attribute()
  fallback?: string;

  @OneOrMore(() => WnsImageDto)
  image?: WnsImageDto[];

  @OneOrMore(() => WnsTextDto)
  text?: WnsTextDto[];
}

class WnsVisualDto extends WnsVisualPartDto {
  @OneOrMore(() => WnsBindingDto)
  binding?: WnsBindingDto[];

  @Attribute()
  version?: string;
}

class WnsAudioDto {
  @Attribute()
  src?: string;

  @Attribute()
  loop?: boolean;

  @Attribute()
  silent?: boolean;
}

class WnsToastDto {
  @OptionalText()
  launch?: string;

  @IsOptional()
  @IsIn(['short', 'long'], { message: 'it must be short or long' })
  duration?: string;

  @Nested(() => WnsAudioDto)
  audio?: WnsAudioDto;

  @Nested(() => WnsVisualDto)
  visual?: WnsVisualDto;
}

class WnsTileDto {
  @OptionalText()
  tag?: string;

  @Nested(() => WnsVisualDto)
  visual?: WnsVisualDto;
}

class WnsBadgeDto {
  @MandatoryAttribute()
  value!: string;

  @Attribute()
  version?: string;
}

class WnsRawDto {
  @EmptyIsAbsent()
  @Allow()
  payload?: unknown;
}

export class WnsDto implements WnsSettings {
  @Nested(() => WnsBadgeDto)
  badge?: WnsBadgeDto;

  @IsOptional()
  @IsBoolean({ message: 'it must be true or false' })
  cachePolicy?: boolean;

  /** Seconds. */
  @IsOptional()
  @NumberFromText()
  @IsInt({ message: 'it must be a whole number of seconds' })
  @Min(0, { message: 'it must be at least 0' })
  @Max(CHANNEL_LIFE_S, { message: `it must be at most ${CHANNEL_LIFE_S} (30 days)` })
  expirationTime?: number;

  @Nested(() => WnsRawDto)
  raw?: WnsRawDto;

  @Nested(() => WnsTileDto)
  tile?: WnsTileDto & Record<string, unknown>;

  @Nested(() => WnsToastDto)
  toast?: WnsToastDto & Record<string, unknown>;
}
