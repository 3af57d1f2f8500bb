import { ArrayMaxSize, IsArray, IsOptional, IsString, Length } from 'class-validator';
import type { Wanted } from './event.repository.js';

/** Restricts the events of messages and deliveries. */
export class EventMessagesDto {
  /** Extension: of messages and deliveries, only those of messages with one of these labels, or of `campaigns`. */
  @IsOptional()
  @IsArray({ message: 'it must be a list' })
  @ArrayMaxSize(100, { message: 'it must have at most 100 entries' })
  @IsString({ each: true, message: 'each entry must be a string' })
  @Length(1, 256, { each: true, message: 'each entry must be 1 to 256 characters' })
  labels?: string[];

  /** Extension: ids of campaigns; see `labels`. */
  @IsOptional()
  @IsArray({ message: 'it must be a list' })
  @ArrayMaxSize(100, { message: 'it must have at most 100 entries' })
  @IsString({ each: true, message: 'each entry must be a string' })
  @Length(1, 256, { each: true, message: 'each entry must be 1 to 256 characters' })
  campaigns?: string[];
}

/** Which events the feed shall have. */
export class FeedDto extends EventMessagesDto {
  /**
   * Types, separated by commas; `delivery.*` is every type of the group, `*` every type, an empty text none.
   * @example message.*,delivery.failed
   */
  @IsString({ message: 'it must be a string' })
  @Length(0, 1_000, { message: 'it must be at most 1000 characters' })
  eventTypes!: string;
}

export class FeedAnswer {
  eventTypes!: string;
  /** Absent: no restriction by label. */
  labels?: string[];
  /** Absent: no restriction by campaign. */
  campaigns?: string[];
}

export function toFeedAnswer({ eventTypes, labels, campaigns }: Wanted): FeedAnswer {
  return { eventTypes: eventTypes.join(','), ...(labels && { labels }), ...(campaigns && { campaigns }) };
}
