import { applyDecorators } from '@nestjs/common';
import { ApiProperty } from '@nestjs/swagger';
import { ArrayMaxSize, IsArray, IsBoolean, IsInt, IsOptional, Matches, Max, Min } from 'class-validator';
import { Nested, ReadAs } from '../common/fields.js';
import { PageInfo } from '../common/paging.js';
import type { Application, FoundApplication } from './application.repository.js';

/** Package or bundle ids by the rules of the stores: letters, digits, dot, dash, underscore. */
export const APPLICATION_ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,253}$/;

/** As a browser writes it: in lower case, without a path; without TLS for this machine alone. */
export const ORIGIN = /^(https:\/\/[a-z0-9.-]{1,253}|http:\/\/localhost)(:[1-9]\d{0,4})?$/;
const MOST_ORIGINS = 20;

/** `enabled` may be text, as in the vendor's samples. */
function Flag(): PropertyDecorator {
  return applyDecorators(
    ReadAs((value) => (value === 'true' ? true : value === 'false' ? false : value)),
    IsBoolean({ message: 'it must be true or false' }),
  );
}

export class ApprovalDto {
  /** A campaign or message to more devices than this waits for approval. */
  @IsInt({ message: 'it must be a whole number' })
  @Min(0, { message: 'it must be at least 0' })
  @Max(1_000_000_000, { message: 'it must be at most 1000000000' })
  above!: number;
}

export class CreateApplicationDto {
  /**
   * Package or bundle id.
   * @example com.example.shop
   */
  @Matches(APPLICATION_ID, {
    message: 'it must be 1 to 254 letters, digits, dots, dashes and underscores, the first a letter or digit',
  })
  applicationId!: string;

  /** Default: true. */
  @IsOptional()
  @Flag()
  enabled?: boolean;

  /** Extension: if true, messages and campaigns with unknown fields are refused. Default: false. */
  @IsOptional()
  @Flag()
  strict?: boolean;
}

export class ChangeStatusDto {
  /**
   * If false, the application refuses new messages.
   * @example true
   */
  @Flag()
  enabled!: boolean;

  /** Extension: if true, messages and campaigns with unknown fields are refused. If omitted, the value is kept. */
  @IsOptional()
  @Flag()
  strict?: boolean;

  /** Extension: approval by a second client or person; null: none. If omitted, the value is kept. */
  @IsOptional()
  @Nested(() => ApprovalDto)
  approval?: ApprovalDto | null;

  /** Extension: if true, deliveries carry receipt tokens; false ends all of them. If omitted, the value is kept. */
  @IsOptional()
  @Flag()
  receipts?: boolean;

  /**
   * Extension: origins of pages that may call with a device token or a receipt token. If omitted, the list is kept.
   * @example ["https://shop.example.com"]
   */
  @IsOptional()
  @IsArray({ message: 'it must be a list' })
  @ArrayMaxSize(MOST_ORIGINS, { message: `it must have at most ${MOST_ORIGINS} origins` })
  @Matches(ORIGIN, { each: true, message: 'each must be an origin such as https://shop.example.com' })
  allowedOrigins?: string[];
}

/** `enabled` is text, as in MobileFirst's samples. */
export class StatusAnswer {
  enabled!: 'true' | 'false';
  /** Extension: present only if strict handling is on. */
  strict?: 'true';
  /** Extension: present only if large campaigns and messages wait for approval. */
  approval?: ApprovalDto;
  /** Extension: present only if deliveries carry a receipt token. */
  receipts?: 'true';
  /** Extension: present only if there are some. */
  allowedOrigins?: string[];
}

export class StopAnswer {
  @ApiProperty({ format: 'date-time' })
  since!: string;
  /** The client that stopped the application. */
  by!: string;
}

export class ApplicationAnswer extends StatusAnswer {
  applicationId!: string;

  /** Extension: present only while the application is stopped. */
  stopped?: StopAnswer;
}

export class ApplicationItem {
  applicationId!: string;
  /** Only with `expand=true`. */
  enabled?: 'true' | 'false';
  /** Extension: only with `expand=true`, and only if strict handling is on. */
  strict?: 'true';
}

export class ApplicationListAnswer {
  applications!: ApplicationItem[];
  pageInfo!: PageInfo;
}

export function toStatusAnswer({
  enabled,
  strict,
  approvalAbove,
  receipts,
  allowedOrigins,
}: Application): StatusAnswer {
  return {
    enabled: enabled ? 'true' : 'false',
    ...(strict && { strict: 'true' }),
    ...(approvalAbove !== null && { approval: { above: approvalAbove } }),
    ...(receipts && { receipts: 'true' }),
    ...(allowedOrigins.length > 0 && { allowedOrigins }),
  };
}

export function toApplicationAnswer(application: Application & Partial<FoundApplication>): ApplicationAnswer {
  const { id, stoppedAt, stoppedBy } = application;
  const answer = Object.assign(new ApplicationAnswer(), { applicationId: id }, toStatusAnswer(application));
  if (stoppedAt) answer.stopped = { since: stoppedAt.toISOString(), by: stoppedBy ?? '' };
  return answer;
}
