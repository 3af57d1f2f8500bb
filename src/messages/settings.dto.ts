import { Type } from 'class-transformer';
import { Allow, IsObject, IsOptional, ValidateNested } from 'class-validator';
import { ApnsDto } from './apns.dto.js';
import { GcmDto } from './gcm.dto.js';
import { SafariWebDto, WebDto } from './web.dto.js';
import { WnsDto } from './wns.dto.js';

/** `settings` of POST messages, by platform (mobilefirst.md §9.3). */
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
