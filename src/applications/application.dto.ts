import { applyDecorators } from '@nestjs/common';
import { ApiProperty } from '@nestjs/swagger';
import { IsBoolean, IsInt, IsOptional, Matches, Max, Min } from 'class-validator';
import { Nested, ReadAs } from '../common/fields.js';
import { PageInfo } from '../common/paging.js';
import type { Application, FoundApplication } from './application.repository.js';

/** Package or bundle ids by the rules of the stores: letters, digits, dot, dash, underscore. */
export const APPLICATION_ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,253}$/;

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
}

/** `enabled` is text, as in MobileFirst's samples. */
export class StatusAnswer {
  enabled!: 'true' | 'false';
  /** Extension: present only if strict handling is on. */
  strict?: 'true';
  /** Extension: present only if large campaigns and messages wait for approval. */
  approval?: ApprovalDto;
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

export function toStatusAnswer({ enabled, strict, approvalAbove }: Application): StatusAnswer {
  return {
    enabled: enabled ? 'true' : 'false',
    ...(strict && { strict: 'true' }),
    ...(approvalAbove !== null && { approval: { above: approvalAbove } }),
  };
}

export function toApplicationAnswer(application: Application & Partial<FoundApplication>): ApplicationAnswer {
  const { id, stoppedAt, stoppedBy } = application;
  const answer = Object.assign(new ApplicationAnswer(), { applicationId: id }, toStatusAnswer(application));
  if (stoppedAt) answer.stopped = { since: stoppedAt.toISOString(), by: stoppedBy ?? '' };
  return answer;
}
