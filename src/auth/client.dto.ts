import { applyDecorators } from '@nestjs/common';
import { ArrayMaxSize, IsBoolean, IsInt, IsOptional, IsString, Length, Max, Min, ValidateBy } from 'class-validator';
import { DAY_S } from '../common/durations.js';
import { NestedList } from '../common/fields.js';
import type { Client } from './client.js';
import { isClientId, isSecret, liveSecrets } from './client.js';
import { parseScope } from './scope.js';

/** More need a new secret hashed one after another for longer than a request should take. */
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

/** A whole number from 1 on, or null. */
const AtMost = (most: number): PropertyDecorator =>
  applyDecorators(
    IsOptional(),
    IsInt({ message: 'it must be a whole number' }),
    Min(1, { message: 'it must be at least 1' }),
    Max(most, { message: `it must be at most ${most}` }),
  );

/** What may be said of a client besides its id; nothing said, nothing changed. */
export class ChangeClientDto {
  /** For people; the id when it is left out. */
  @IsOptional()
  @IsString({ message: 'it must be a string' })
  @Length(1, 255, { message: 'it must have 1 to 255 characters' })
  displayName?: string;

  /** Scope elements separated by spaces; `*` in one stands for any run of characters. */
  @IsOptional()
  @Scope()
  allowedScope?: string;

  @IsOptional()
  @IsBoolean({ message: 'it must be true or false' })
  enabled?: boolean;

  /** Requests of the client in a second, over ten seconds; null: what LIMIT_CLIENT_RATE says. */
  @AtMost(100_000)
  requestsPerSecond?: number | null;

  /** Requests of the client under way at once, per process; null: what LIMIT_CLIENT_CONCURRENT says. */
  @AtMost(100_000)
  concurrentRequests?: number | null;
}

export class NewClientDto {
  @ClientId()
  id!: string;

  /** For people; the id when it is left out. */
  @IsOptional()
  @IsString({ message: 'it must be a string' })
  @Length(1, 255, { message: 'it must have 1 to 255 characters' })
  displayName?: string;

  /** Left out: one is made, or for a client of the list that exists the one it has is kept. */
  @IsOptional()
  @Secret()
  secret?: string;

  /** Scope elements separated by spaces; `*` in one stands for any run of characters. */
  @Scope()
  allowedScope!: string;

  /** Default true, or for a client of the list that exists what it is. */
  @IsOptional()
  @IsBoolean({ message: 'it must be true or false' })
  enabled?: boolean;

  /** Requests of the client in a second, over ten seconds; null: what LIMIT_CLIENT_RATE says. */
  @AtMost(100_000)
  requestsPerSecond?: number | null;

  /** Requests of the client under way at once, per process; null: what LIMIT_CLIENT_CONCURRENT says. */
  @AtMost(100_000)
  concurrentRequests?: number | null;
}

export class ClientListDto {
  @NestedList(() => NewClientDto)
  @ArrayMaxSize(MAX_CLIENTS, { message: `it must have ${MAX_CLIENTS} clients at most` })
  clients!: NewClientDto[];
}

export class RotateSecretDto {
  /** Left out: one is made. */
  @IsOptional()
  @Secret()
  secret?: string;

  /** How long the old secret still holds; default one day. 0: not at all, nor do the tokens obtained so far. */
  @IsOptional()
  @IsInt({ message: 'it must be a whole number' })
  @Min(0, { message: 'it must be at least 0' })
  @Max(MONTH_S, { message: `it must be at most ${MONTH_S}` })
  overlapSeconds?: number;
}

export class SecretAnswer {
  createdTime!: string;
  /** Absent: until it is replaced. */
  expiresTime?: string;
  lastUsedTime?: string;
}

export class ClientAnswer {
  id!: string;
  displayName!: string;
  allowedScope!: string;
  enabled!: boolean;
  /** Absent, as the next: what the settings say. */
  requestsPerSecond?: number;
  concurrentRequests?: number;
  createdTime!: string;
  /** Written about once a minute. */
  lastUsedTime?: string;
  /** Newest first; two while the secret is being rotated. */
  secrets!: SecretAnswer[];
}

export class NewClientAnswer extends ClientAnswer {
  /** Only when it was made here, and only now: it is kept as a hash. */
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
  /** Active, or with a run that has waves to come. */
  campaigns!: PlantedCount;
  /** Scheduled or under way, those of campaigns as well. */
  messages!: PlantedCount;
  /** With `stopMessages`: how many were stopped; absent where the caller's allowed scope does not cover it. */
  stopped?: StoppedCounts;
}

/** What clients that have left would still send. */
export class DepartureAnswer {
  planted!: PlantedAnswer[];
  /** Pairs of client and application beyond the first hundred. */
  more?: number;
}

export class ChangedClientAnswer extends ClientAnswer {
  /** Of a client that is disabled by this call: what it would still send; absent: nothing. */
  planted?: PlantedAnswer[];
}

/** MobileFirst's account of a deployment. */
export class TransactionAnswer {
  /** Of clients that are deleted or disabled by this call: what they would still send (extension); absent: nothing. */
  planted?: PlantedAnswer[];
  /** Pairs of client and application beyond the first hundred. */
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
