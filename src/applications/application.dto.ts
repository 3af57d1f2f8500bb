import { Transform } from 'class-transformer';
import { IsBoolean, IsOptional, Matches } from 'class-validator';

/** Package or bundle ids, as the stores have them: letters, digits, dot, dash, underscore. */
const APPLICATION_ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,253}$/;

export class CreateApplicationDto {
  /** Package or bundle id. */
  @Matches(APPLICATION_ID, { message: 'it must be 1 to 254 letters, digits, dots, dashes and underscores' })
  applicationId!: string;

  /** Whether messages may be sent; the vendor's samples give it as text. Default true. */
  @IsOptional()
  @Transform(({ value }: { value: unknown }) => (value === 'true' ? true : value === 'false' ? false : value))
  @IsBoolean({ message: 'it must be true or false' })
  enabled?: boolean;
}

/** `enabled` is text, as MobileFirst's own samples print it. */
export class ApplicationAnswer {
  applicationId!: string;
  enabled!: 'true' | 'false';
}
