import { IsString, Length, Matches } from 'class-validator';

/** Credentials of a confidential client; the authenticator checks their form. */
export class SignInDto {
  @IsString({ message: 'it must be a string' })
  @Length(1, 255, { message: 'it must have 1 to 255 characters' })
  @Matches(/^[^:]*$/, { message: 'it must be the id of a client, which has no colon' })
  clientId!: string;

  @IsString({ message: 'it must be a string' })
  @Length(1, 255, { message: 'it must have 1 to 255 characters' })
  clientSecret!: string;
}

export class TicketDto {
  @IsString({ message: 'it must be a string' })
  @Length(1, 4_096, { message: 'it must have 1 to 4096 characters' })
  path!: string;
}
