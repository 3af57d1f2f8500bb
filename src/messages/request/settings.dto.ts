import { ApiPropertyOptional } from '@nestjs/swagger';
import { Allow, IsOptional } from 'class-validator';
import { Nested } from '../../common/fields.js';
import { ApnsDto } from './apns.dto.js';
import { GcmDto } from './gcm.dto.js';
import { SafariWebDto, WebDto } from './web.dto.js';
import { WnsDto } from './wns.dto.js';

/** `settings` of POST messages, by platform (docs/protocol/mobilefirst.md §9.3). */
export class MessageSettingsDto {
  @IsOptional()
  @Nested(() => ApnsDto)
  apns?: ApnsDto;

  @IsOptional()
  @Nested(() => GcmDto)
  gcm?: GcmDto;

  @IsOptional()
  @Nested(() => WnsDto)
  wns?: WnsDto;

  @IsOptional()
  @Nested(() => WebDto)
  chromeWeb?: WebDto;

  @IsOptional()
  @Nested(() => WebDto)
  firefoxWeb?: WebDto;

  @IsOptional()
  @Nested(() => SafariWebDto)
  safariWeb?: SafariWebDto;

  /** Alternative place of the target, because one of the vendor's samples has it here. */
  @Allow()
  @ApiPropertyOptional({ type: 'object', additionalProperties: true })
  target?: unknown;
}
