import { IsIn, IsInt, IsOptional, MaxLength } from 'class-validator';
import { AnyObject } from '../../common/fields.js';
import { EmptyIsAbsent, NumberFromText, OptionalText, OptionalTexts, UpperCase } from '../../common/lenient.js';
import type { ApnsSettings } from '../../providers/notification.js';

/** `settings.apns` of POST messages (docs/protocol/mobilefirst.md §9.3). */
export class ApnsDto implements ApnsSettings {
  @IsOptional()
  @NumberFromText()
  @IsInt({ message: 'it must be a whole number' })
  badge?: number;

  @OptionalText()
  sound?: string;

  @OptionalText()
  iosActionKey?: string;

  @IsOptional()
  @EmptyIsAbsent()
  @AnyObject()
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
  @EmptyIsAbsent()
  @MaxLength(64, { message: 'it must be at most 64 characters' })
  apnsCollapseId?: string;

  @OptionalText()
  apnsThreadId?: string;

  @OptionalText()
  apnsGroupSummaryArg?: string;

  @IsOptional()
  @NumberFromText()
  @IsInt({ message: 'it must be a whole number' })
  apnsGroupSummaryArgCount?: number;
}
