import { ApiProperty } from '@nestjs/swagger';
import { IsInt, IsOptional, IsString, Length, Matches, Max, Min } from 'class-validator';
import { DAY_S } from '../common/durations.js';
import { EventMessagesDto } from '../events/event.dto.js';
import type { Webhook, WebhookReport } from './webhook.repository.js';

const MONTH_S = 30 * DAY_S;

export class ChangeWebhookDto extends EventMessagesDto {
  /**
   * URL that events are posted to: https, at a public address.
   * @example https://crm.example.com/carillon
   */
  @IsString({ message: 'it must be a string' })
  @Length(1, 2_048, { message: 'it must be 1 to 2048 characters' })
  url!: string;

  /**
   * Comma-separated: onDeviceRegister, onDeviceUpdate, onDeviceUnregister, onSubscribe, onUnsubscribe. Extension: the
   * types of the feed, `delivery.*` for a group of them, `*` for all of them.
   * @example onDeviceRegister,onDeviceUnregister
   */
  @IsString({ message: 'it must be a string' })
  @Length(1, 1_000, { message: 'it must be 1 to 1000 characters' })
  eventTypes!: string;
}

export class CreateWebhookDto extends ChangeWebhookDto {
  /** @example crm */
  @Matches(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, {
    message: 'it must be 1 to 64 letters, digits, dots, dashes and underscores, the first a letter or digit',
  })
  name!: string;
}

export class WebhookAnswer {
  name!: string;
  url!: string;
  eventTypes!: string;
  labels?: string[];
  campaigns?: string[];
}

export class NewWebhookAnswer extends WebhookAnswer {
  /** Secret that signs the events; shown only in this answer (extension). */
  secret!: string;
}

export class RotateWebhookSecretDto {
  /**
   * Seconds for which events are signed with the old secret too. Default: one day. 0: not at all, which also ends an
   * earlier overlap.
   * @example 3600
   */
  @IsOptional()
  @IsInt({ message: 'it must be a whole number' })
  @Min(0, { message: 'it must be at least 0' })
  @Max(MONTH_S, { message: `it must be at most ${MONTH_S}` })
  overlapSeconds?: number;
}

export class RotatedWebhookAnswer extends NewWebhookAnswer {
  /** Time until which events are signed with the old secret too; absent without an overlap. */
  @ApiProperty({ format: 'date-time' })
  secretBeforeUntil?: string;
}

export class WebhookReportAnswer extends WebhookAnswer {
  /** Number of events that wait for delivery. */
  @ApiProperty({ type: 'integer' })
  pending!: number;
  /** Error of the last try; absent after a success. */
  lastError?: string;
  /** Since when no events are sent, because the endpoint answered 410; absent if events are sent. */
  disabledTime?: string;
  disabledReason?: string;
}

/** One try to deliver an event. */
export class WebhookAttemptAnswer {
  @ApiProperty({ format: 'date-time' })
  time!: string;
  /** As in the header `webhook-id`. */
  eventId!: string;
  eventType!: string;
  /** Which try of this event. */
  @ApiProperty({ type: 'integer' })
  tries!: number;
  @ApiProperty({ type: 'integer' })
  durationMs!: number;
  /** Why the event was not accepted; absent if the endpoint accepted it. */
  error?: string;
}

export class WebhookAttemptListAnswer {
  /** The newest 50, newest first. */
  attempts!: WebhookAttemptAnswer[];
}

export class WebhookTestAnswer {
  /** Whether the endpoint answered with a status from 200 to 299. */
  accepted!: boolean;
  /** Why not; absent if the endpoint accepted the event. */
  error?: string;
  @ApiProperty({ type: 'integer' })
  durationMs!: number;
}

export class ReplayWebhookDto {
  /**
   * Events of changes since this time.
   * @example 2026-11-28T22:00:00Z
   */
  @IsString({ message: 'it must be a string' })
  from!: string;

  /** Events of changes before this time. Default: now. */
  @IsOptional()
  @IsString({ message: 'it must be a string' })
  to?: string;

  /**
   * As in the webhook. Default: all types.
   * @example onDeviceUnregister
   */
  @IsOptional()
  @IsString({ message: 'it must be a string' })
  @Length(1, 500, { message: 'it must be 1 to 500 characters' })
  eventTypes?: string;
}

export class WebhookReplayAnswer {
  /** Number of events that are sent again. */
  @ApiProperty({ type: 'integer' })
  events!: number;
}

export class WebhookListAnswer {
  webhooks!: WebhookReportAnswer[];
}

export function toWebhookAnswer({ name, url, eventTypes, labels, campaigns }: Webhook) {
  return { name, url, eventTypes: eventTypes.join(','), ...(labels && { labels }), ...(campaigns && { campaigns }) };
}

export function toReportAnswer({ pending, lastError, disabledAt, disabledReason, ...webhook }: WebhookReport) {
  const answer: WebhookReportAnswer = { ...toWebhookAnswer(webhook), pending };
  if (lastError !== null) answer.lastError = lastError;
  if (disabledAt !== null) answer.disabledTime = disabledAt.toISOString();
  if (disabledReason !== null) answer.disabledReason = disabledReason;
  return answer;
}
