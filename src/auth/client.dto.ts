import { applyDecorators } from '@nestjs/common';
import { ArrayMaxSize, IsBoolean, IsInt, IsOptional, IsString, Length, Max, Min, ValidateBy } from 'class-validator';
import { DAY_S } from '../common/durations.js';
import { NestedList } from '../common/fields.js';
import type { Client } from './client.js';
import { isClientId, isSecret, liveSecrets } from './client.js';
import { parseScope } from './scope.js';

/** With more clients, hashing new secrets one after another would take longer than a request should. */
const MAX_CLIENTS = 1_000;
const MONTH_S = 30 * DAY_S;

function rule(name: string, holds: (text: string) => boolean, message: string): PropertyDecorator {
  return ValidateBy({
    name,
    validator: {
      validate: (value: unknown) => typeof value === 'string' && holds(value),
      defaultMessage: () => message,
    },
  });
}
const ClientId = () =>
  rule('clientId', isClientId, 'it must be 1 to 255 characters of printable ASCII without a colon or outer spaces');
const Secret = () => rule('secret', isSecret, 'it must be 1 to 255 characters of printable ASCII');
const Scope = () =>
  rule(
    'scope',
    (text) => parseScope(text) !== null,
    'it must be up to 128 scope elements of printable ASCII, separated by spaces, 2048 characters in all',
  );

/** A whole number of at least 1, or null. */
const AtMost = (most: number): PropertyDecorator =>
  applyDecorators(
    IsOptional(),
    IsInt({ message: 'it must be a whole number' }),
    Min(1, { message: 'it must be at least 1' }),
    Max(most, { message: `it must be at most ${most}` }),
  );

/** Changes of a client; omitted fields keep their values. */
export class ChangeClientDto {
  /** Name for display. Default: the client id. */
  @IsOptional()
  @IsString({ message: 'it must be a string' })
  @Length(1, 255, { message: 'it must have 1 to 255 characters' })
  displayName?: string;

  /** Scope elements, separated by spaces; `*` in an element matches any characters. */
  @IsOptional()
  @Scope()
  allowedScope?: string;

  @IsOptional()
  @IsBoolean({ message: 'it must be true or false' })
  enabled?: boolean;

  /** Requests of the client per second, averaged over ten seconds; null: the setting LIMIT_CLIENT_RATE applies. */
  @AtMost(100_000)
  requestsPerSecond?: number | null;

  /** Concurrent requests of the client per process; null: the setting LIMIT_CLIENT_CONCURRENT applies. */
  @AtMost(100_000)
  concurrentRequests?: number | null;
}

export class NewClientDto {
  @ClientId()
  id!: string;

  /** Name for display. Default: the client id. */
  @IsOptional()
  @IsString({ message: 'it must be a string' })
  @Length(1, 255, { message: 'it must have 1 to 255 characters' })
  displayName?: string;

  /** If omitted, a secret is generated; in the list `PUT`, an existing client keeps its secret. */
  @IsOptional()
  @Secret()
  secret?: string;

  /** Scope elements, separated by spaces; `*` in an element matches any characters. */
  @Scope()
  allowedScope!: string;

  /** Default: true; in the list `PUT`, an existing client keeps its value. */
  @IsOptional()
  @IsBoolean({ message: 'it must be true or false' })
  enabled?: boolean;

  /** Requests of the client per second, averaged over ten seconds; null: the setting LIMIT_CLIENT_RATE applies. */
  @AtMost(100_000)
  requestsPerSecond?: number | null;

  /** Concurrent requests of the client per process; null: the setting LIMIT_CLIENT_CONCURRENT applies. */
  @AtMost(100_000)
  concurrentRequests?: number | null;
}

export class ClientListDto {
  @NestedList(() => NewClientDto)
  @ArrayMaxSize(MAX_CLIENTS, { message: `it must have ${MAX_CLIENTS} clients at most` })
  clients!: NewClientDto[];
}

export class RotateSecretDto {
  /** If omitted, a secret is generated. */
  @IsOptional()
  @Secret()
  secret?: string;

  /**
   * Seconds for which the old secret stays valid. Default: one day. 0: the old secret and the tokens obtained with it
   * end at once.
   */
  @IsOptional()
  @IsInt({ message: 'it must be a whole number' })
  @Min(0, { message: 'it must be at least 0' })
  @Max(MONTH_S, { message: `it must be at most ${MONTH_S}` })
  overlapSeconds?: number;
}

export class SecretAnswer {
  createdTime!: string;
  /** Absent if the secret is valid until it is replaced. */
  expiresTime?: string;
  lastUsedTime?: string;
}

export class ClientAnswer {
  id!: string;
  displayName!: string;
  allowedScope!: string;
  enabled!: boolean;
  /**
   * Absent if the setting LIMIT_CLIENT_RATE applies. `concurrentRequests` is absent if LIMIT_CLIENT_CONCURRENT applies.
   */
  requestsPerSecond?: number;
  concurrentRequests?: number;
  createdTime!: string;
  /** Updated about once per minute. */
  lastUsedTime?: string;
  /** Newest first; two during the rotation of a secret. */
  secrets!: SecretAnswer[];
}

export class NewClientAnswer extends ClientAnswer {
  /** Only in the answer that creates a generated secret: the server stores a hash. */
  secret?: string;
}

export class ClientListAnswer {
  clients!: ClientAnswer[];
  productVersion!: string;
}

export class PlantedCount {
  count!: number;
  /** The oldest twenty. */
  ids!: string[];
}

export class StoppedCounts {
  campaigns!: number;
  messages!: number;
}

export class PlantedAnswer {
  clientId!: string;
  applicationId!: string;
  /** Active campaigns, and campaigns with a run that has waves to send. */
  campaigns!: PlantedCount;
  /** Scheduled and unfinished messages, including those of campaigns. */
  messages!: PlantedCount;
  /** With `stopMessages`: how many were stopped; absent if the caller's allowed scope does not cover stopping them. */
  stopped?: StoppedCounts;
}

/** Campaigns and messages that deleted or disabled clients leave behind. */
export class DepartureAnswer {
  planted!: PlantedAnswer[];
  /** Number of pairs of client and application beyond the first hundred. */
  more?: number;
}

export class ChangedClientAnswer extends ClientAnswer {
  /** If this call disables the client: campaigns and messages that would still be sent; absent if there are none. */
  planted?: PlantedAnswer[];
}

/** MobileFirst's form of the result of a deployment. */
export class TransactionAnswer {
  /**
   * Campaigns and messages of clients deleted or disabled by this call that would still be sent (extension); absent if
   * there are none.
   */
  planted?: PlantedAnswer[];
  /** Number of pairs of client and application beyond the first hundred. */
  more?: number;
  ok!: boolean;
  productVersion!: string;
  transaction!: Record<string, unknown>;
}

export function toClientAnswer(client: Client, now: number, secret?: string): NewClientAnswer {
  return {
    id: client.id,
    displayName: client.displayName,
    allowedScope: client.allowedScope,
    enabled: client.enabled,
    ...(client.requestsPerSecond !== null && { requestsPerSecond: client.requestsPerSecond }),
    ...(client.concurrentRequests !== null && { concurrentRequests: client.concurrentRequests }),
    createdTime: client.createdAt.toISOString(),
    ...(client.lastUsedAt && { lastUsedTime: client.lastUsedAt.toISOString() }),
    secrets: liveSecrets(client, now).map(({ createdAt, expiresAt, lastUsedAt }) => ({
      createdTime: createdAt.toISOString(),
      ...(expiresAt && { expiresTime: expiresAt.toISOString() }),
      ...(lastUsedAt && { lastUsedTime: lastUsedAt.toISOString() }),
    })),
    ...(secret !== undefined && { secret }),
  };
}
