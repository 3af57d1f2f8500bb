import { applyDecorators } from '@nestjs/common';
import { ApiPropertyOptional } from '@nestjs/swagger';
import { Allow, IsBoolean, IsIn, IsInt, IsOptional, Max, Min, ValidateBy } from 'class-validator';
import { Nested, NestedOneOrMore } from '../../common/fields.js';
import { EmptyIsAbsent, NumberFromText, OptionalText } from '../../common/lenient.js';
import type { WnsSettings } from '../../providers/notification.js';

/**
 * `settings.wns` of POST messages: XML notifications as JSON (docs/protocol/mobilefirst.md §9.3; toast, tile and badge
 * schemas of Windows).
 */

/** Longest time to live at WNS: a channel lives for 30 days. */
const CHANNEL_LIFE_S = 2_592_000;

/** A required attribute of the XML; callers write numbers and booleans as such or as text. */
function MandatoryAttribute(): PropertyDecorator {
  const validate = (value: unknown): boolean => ['string', 'number', 'boolean'].includes(typeof value);
  const defaultMessage = (): string => 'it must be a string, a number or a boolean';
  return ValidateBy({ name: 'attribute', validator: { validate, defaultMessage } });
}

function Attribute(): PropertyDecorator {
  return applyDecorators(IsOptional(), MandatoryAttribute());
}

/** One element or a list: the vendor's toast has one binding, its tile several. */
function OneOrMore(type: () => new () => object): PropertyDecorator {
  return applyDecorators(IsOptional(), NestedOneOrMore(type));
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

/** Attributes that visual and binding share. */
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

  @IsOptional()
  @Nested(() => WnsAudioDto)
  audio?: WnsAudioDto;

  @IsOptional()
  @Nested(() => WnsVisualDto)
  visual?: WnsVisualDto;
}

class WnsTileDto {
  @OptionalText()
  tag?: string;

  @IsOptional()
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
  @ApiPropertyOptional({ type: 'object', additionalProperties: true })
  payload?: unknown;
}

export class WnsDto implements WnsSettings {
  @IsOptional()
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

  @IsOptional()
  @Nested(() => WnsRawDto)
  raw?: WnsRawDto;

  @IsOptional()
  @Nested(() => WnsTileDto)
  @ApiPropertyOptional({ type: () => WnsTileDto })
  tile?: WnsTileDto & Record<string, unknown>;

  @IsOptional()
  @Nested(() => WnsToastDto)
  @ApiPropertyOptional({ type: () => WnsToastDto })
  toast?: WnsToastDto & Record<string, unknown>;
}
