import { applyDecorators } from '@nestjs/common';
import { IsBoolean, IsOptional, Matches } from 'class-validator';
import { ReadAs } from '../common/fields.js';
import { PageInfo } from '../common/paging.js';
import type { Application, FoundApplication } from './application.repository.js';

/** Package or bundle ids, as the stores have them: letters, digits, dot, dash, underscore. */
export const APPLICATION_ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,253}$/;

/** The vendor's samples give `enabled` as text. */
function Flag(): PropertyDecorator {
  return applyDecorators(
    ReadAs((value) => (value === 'true' ? true : value === 'false' ? false : value)),
    IsBoolean({ message: 'it must be true or false' }),
  );
}

export class CreateApplicationDto {
  /** Package or bundle id. */
  @Matches(APPLICATION_ID, {
    message: 'it must be 1 to 254 letters, digits, dots, dashes and underscores, the first a letter or digit',
  })
  applicationId!: string;

  /** Default true. */
  @IsOptional()
  @Flag()
  enabled?: boolean;

  /** Extension: messages and campaigns with fields that are not known are refused. Default false. */
  @IsOptional()
  @Flag()
  strict?: boolean;
}

export class ChangeStatusDto {
  /** Whether messages may be sent. */
  @Flag()
  enabled!: boolean;

  /** Extension: messages and campaigns with fields that are not known are refused. Left out: as it was. */
  @IsOptional()
  @Flag()
  strict?: boolean;
}

/** `enabled` is text, as MobileFirst's own samples print it. */
export class StatusAnswer {
  enabled!: 'true' | 'false';
  /** Extension: only where it is on. */
  strict?: 'true';
}

export class StopAnswer {
  since!: string;
  /** The client that stopped it. */
  by!: string;
}

export class ApplicationAnswer extends StatusAnswer {
  applicationId!: string;

  /** Extension: while it is stopped. */
  stopped?: StopAnswer;
}

export class ApplicationItem {
  applicationId!: string;
  /** With `expand=true`. */
  enabled?: 'true' | 'false';
  /** Extension: with `expand=true`, and only where it is on. */
  strict?: 'true';
}

export class ApplicationListAnswer {
  applications!: ApplicationItem[];
  pageInfo!: PageInfo;
}

export function toStatusAnswer({ enabled, strict }: Application): StatusAnswer {
  return { enabled: enabled ? 'true' : 'false', ...(strict && { strict: 'true' }) };
}

export function toApplicationAnswer(application: Application & Partial<FoundApplication>): ApplicationAnswer {
  const { id, stoppedAt, stoppedBy } = application;
  const answer = Object.assign(new ApplicationAnswer(), { applicationId: id }, toStatusAnswer(application));
  if (stoppedAt) answer.stopped = { since: stoppedAt.toISOString(), by: stoppedBy ?? '' };
  return answer;
}
