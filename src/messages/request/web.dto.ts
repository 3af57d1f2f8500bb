import { ApiPropertyOptional } from '@nestjs/swagger';
import { Allow, IsInt, IsOptional, Max, Min } from 'class-validator';
import { EmptyIsAbsent, NumberFromText, OptionalText, OptionalTexts } from '../../common/lenient.js';
import type { SafariWebSettings, WebSettings } from '../../providers/notification.js';
import { FOUR_WEEKS_S } from './gcm.dto.js';

/** `settings.chromeWeb` and `settings.firefoxWeb` of POST messages (docs/protocol/mobilefirst.md §9.3). */
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

  /** An object, or JSON text as IBM's Go SDK declares it. */
  @IsOptional()
  @EmptyIsAbsent()
  @Allow()
  @ApiPropertyOptional({ type: 'object', additionalProperties: true })
  payload?: unknown;
}

/** `settings.safariWeb`. */
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
