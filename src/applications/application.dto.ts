import { applyDecorators } from '@nestjs/common';
import { Transform } from 'class-transformer';
import { IsBoolean, IsOptional, Matches } from 'class-validator';
import { PageInfo } from '../common/paging.js';
import type { Application } from './application.repository.js';

/** Package or bundle ids, as the stores have them: letters, digits, dot, dash, underscore. */
export const APPLICATION_ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,253}$/;

/** Whether messages may be sent; the vendor's samples give it as text. */
function EnabledFlag(): PropertyDecorator {
  return applyDecorators(
    Transform(({ value }: { value: unknown }) => (value === 'true' ? true : value === 'false' ? false : value)),
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
  @EnabledFlag()
  enabled?: boolean;
}

export class ChangeStatusDto {
  @EnabledFlag()
  enabled!: boolean;
}

/** `enabled` is text, as MobileFirst's own samples print it. */
export class StatusAnswer {
  enabled!: 'true' | 'false';
}

export class ApplicationAnswer extends StatusAnswer {
  applicationId!: string;
}

export class ApplicationItem {
  applicationId!: string;
  /** With `expand=true`. */
  enabled?: 'true' | 'false';
}

export class ApplicationListAnswer {
  applications!: ApplicationItem[];
  pageInfo!: PageInfo;
}

export function toStatusAnswer({ enabled }: Application): StatusAnswer {
  return { enabled: enabled ? 'true' : 'false' };
}

export function toApplicationAnswer(application: Application): ApplicationAnswer {
  return { applicationId: application.id, enabled: toStatusAnswer(application).enabled };
}
