import { applyDecorators } from '@nestjs/common';
import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { ArrayMaxSize, IsBoolean, IsInt, IsOptional, IsString, Length, Max, Min, ValidateBy } from 'class-validator';
import { DAY_S } from '../common/durations.js';
import { NestedList, ReadAs } from '../common/fields.js';
import type { Reading } from '../common/fields.js';
import { isJsonObject } from '../common/json.js';
import { CLIENT_ID, SECRET, isClientId, isSecret } from './client.js';
import { refuseKeySet } from './client-keys.js';
import { MAX_SCOPE, parseScope } from './scope.js';

/** With more clients, hashing new secrets one after another would take longer than a request should. */
const MAX_CLIENTS = 1_000;
const MONTH_S = 30 * DAY_S;
const TEN_YEARS_S = 3_650 * DAY_S;
/** One to 128 elements of the characters of RFC 6749 §3.3; spaces before, between and after them. */
const SCOPE = String.raw`^ *[\x21\x23-\x5b\x5d-\x7e]+( +[\x21\x23-\x5b\x5d-\x7e]+){0,127} *$`;

function rule(
  name: string,
  holds: (text: string) => boolean,
  message: string,
  schema: Reading['schema'],
): PropertyDecorator {
  const context: Reading = { schema };
  const validate = (value: unknown): boolean => typeof value === 'string' && holds(value);
  return ValidateBy({ name, validator: { validate, defaultMessage: () => message } }, { context });
}
const ClientId = () =>
  rule('clientId', isClientId, 'it must be 1 to 255 characters of printable ASCII without a colon or outer spaces', {
    pattern: CLIENT_ID.source,
  });
const Secret = () =>
  rule('secret', isSecret, 'it must be 1 to 255 characters of printable ASCII', { pattern: SECRET.source });
const Scope = () =>
  rule(
    'scope',
    (text) => parseScope(text) !== null,
    'it must be up to 128 scope elements of printable ASCII, separated by spaces, 2048 characters in all',
    { pattern: SCOPE, maxLength: MAX_SCOPE },
  );

export const KEY_SET = {
  type: 'object' as const,
  nullable: true,
  additionalProperties: true,
  properties: { keys: { type: 'array' as const, items: { type: 'object' as const, additionalProperties: true } } },
};

/** A key set is kept as text. */
const KeySet = (): PropertyDecorator =>
  applyDecorators(
    ReadAs((value) => (isJsonObject(value) ? JSON.stringify(value) : value)),
    ValidateBy({
      name: 'keySet',
      validator: {
        validate: (value) => refuseKeySet(parsed(value)) === undefined,
        defaultMessage: (of) => refuseKeySet(parsed(of?.value)) ?? '',
      },
    }),
    ApiPropertyOptional(KEY_SET),
  );
const KeySetAddress = () =>
  rule(
    'keySetAddress',
    (text) => text.length <= 1_000 && isUrl(text) && !/[?#@]/.test(text),
    'it must be an https URL without a query and a user, of at most 1000 characters',
    { maxLength: 1_000, pattern: '^https?://' },
  );

/** https, or on this machine also http, for development. */
function isUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname } = new URL(text);
  return protocol === 'https:' || (protocol === 'http:' && ['localhost', '127.0.0.1'].includes(hostname));
}

function parsed(text: unknown): unknown {
  return typeof text === 'string' && text.startsWith('{') ? JSON.parse(text) : undefined;
}

/** A whole number of at least 1, or null. */
const AtMost = (most: number): PropertyDecorator =>
  applyDecorators(
    IsOptional(),
    IsInt({ message: 'it must be a whole number' }),
    Min(1, { message: 'it must be at least 1' }),
    Max(most, { message: `it must be at most ${most}` }),
  );

/** Fields of a new and of a changed client. */
abstract class ClientFields {
  /** Name for display. Default: the client id. */
  @IsOptional()
  @IsString({ message: 'it must be a string' })
  @Length(1, 255, { message: 'it must have 1 to 255 characters' })
  displayName?: string;

  /** Requests of the client per second, averaged over ten seconds; null: the setting LIMIT_CLIENT_RATE applies. */
  @AtMost(100_000)
  requestsPerSecond?: number | null;

  /** Concurrent requests of the client per process; null: the setting LIMIT_CLIENT_CONCURRENT applies. */
  @AtMost(100_000)
  concurrentRequests?: number | null;

  /** Public keys by which the client authenticates (`private_key_jwt`), in place of a secret; null: none. */
  @IsOptional()
  @KeySet()
  jwks?: string | null;

  /** Address of the keys, in place of `jwks`; null: none. */
  @IsOptional()
  @KeySetAddress()
  jwksUri?: string | null;
}

/** Changes of a client; omitted fields keep their values. */
export class ChangeClientDto extends ClientFields {
  /**
   * Scope elements, separated by spaces; `*` in an element matches any characters.
   * @example 'messages.write push.application.com.example.app'
   */
  @IsOptional()
  @Scope()
  allowedScope?: string;

  @IsOptional()
  @IsBoolean({ message: 'it must be true or false' })
  enabled?: boolean;

  /** True: the client gets tokens only over a certificate, and they are bound to it (CLIENT_CERTIFICATE_HEADER). */
  @IsOptional()
  @IsBoolean({ message: 'it must be true or false' })
  certificateBound?: boolean;
}

export class NewClientDto extends ClientFields {
  /** @example backend */
  @ClientId()
  id!: string;

  /**
   * If omitted, a secret is generated; in the list `PUT`, an existing client keeps its secret. In production at
   * least 16 characters.
   */
  @IsOptional()
  @Secret()
  secret?: string;

  /** Seconds after which the secret of this call ends. If omitted, the secret is valid until it is replaced. */
  @IsOptional()
  @IsInt({ message: 'it must be a whole number' })
  @Min(60, { message: 'it must be at least 60' })
  @Max(TEN_YEARS_S, { message: `it must be at most ${TEN_YEARS_S}` })
  secretExpiresInSeconds?: number;

  /**
   * Scope elements, separated by spaces; `*` in an element matches any characters.
   * @example 'messages.write push.application.com.example.app'
   */
  @Scope()
  allowedScope!: string;

  /** Default: true; in the list `PUT`, an existing client keeps its value. */
  @IsOptional()
  @IsBoolean({ message: 'it must be true or false' })
  enabled?: boolean;

  /**
   * True: the client gets tokens only over a certificate, and they are bound to it (CLIENT_CERTIFICATE_HEADER).
   * Default: false; in the list `PUT`, an existing client keeps its value.
   */
  @IsOptional()
  @IsBoolean({ message: 'it must be true or false' })
  certificateBound?: boolean;
}

export class ClientListDto {
  @NestedList(() => NewClientDto)
  @ArrayMaxSize(MAX_CLIENTS, { message: `it must have ${MAX_CLIENTS} clients at most` })
  @ApiProperty({
    type: [NewClientDto],
    example: [
      { id: 'test', allowedScope: '*' },
      {
        id: 'reports',
        secret: 'a-secret-of-your-own',
        allowedScope: 'messages.read push.application.com.example.app',
      },
    ],
  })
  clients!: NewClientDto[];
}

export class RotateSecretDto {
  /** If omitted, a secret is generated. In production at least 16 characters. */
  @IsOptional()
  @Secret()
  secret?: string;

  /** Seconds after which the secret of this call ends. If omitted, the secret is valid until it is replaced. */
  @IsOptional()
  @IsInt({ message: 'it must be a whole number' })
  @Min(60, { message: 'it must be at least 60' })
  @Max(TEN_YEARS_S, { message: `it must be at most ${TEN_YEARS_S}` })
  secretExpiresInSeconds?: number;

  /**
   * Seconds for which the old secret stays valid. Default: one day. 0: the old secret and the tokens obtained with it
   * end at once.
   * @example 3600
   */
  @IsOptional()
  @IsInt({ message: 'it must be a whole number' })
  @Min(0, { message: 'it must be at least 0' })
  @Max(MONTH_S, { message: `it must be at most ${MONTH_S}` })
  overlapSeconds?: number;
}
