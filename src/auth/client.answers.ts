import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import type { Client } from './client.js';
import { liveSecrets } from './client.js';
import { KEY_SET } from './client.dto.js';

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
  /** Absent if tokens of the client need no certificate. */
  certificateBound?: boolean;
  /**
   * Absent if the setting LIMIT_CLIENT_RATE applies. `concurrentRequests` is absent if LIMIT_CLIENT_CONCURRENT applies.
   */
  @ApiProperty({ type: 'integer' })
  requestsPerSecond?: number;
  @ApiProperty({ type: 'integer' })
  concurrentRequests?: number;
  createdTime!: string;
  /** Updated about once per minute. */
  lastUsedTime?: string;
  /** Absent if the client has no keys of its own. */
  @ApiPropertyOptional(KEY_SET)
  jwks?: object;
  jwksUri?: string;
  /** Newest first; two during the rotation of a secret, none if the client was made with keys. */
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
  @ApiProperty({ type: 'integer' })
  count!: number;
  /** The oldest twenty. */
  ids!: string[];
}

export class StoppedCounts {
  @ApiProperty({ type: 'integer' })
  campaigns!: number;
  @ApiProperty({ type: 'integer' })
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
  @ApiProperty({ type: 'integer' })
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
  @ApiProperty({ type: 'integer' })
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
    ...(client.certificateBound && { certificateBound: true }),
    ...(client.requestsPerSecond !== null && { requestsPerSecond: client.requestsPerSecond }),
    ...(client.concurrentRequests !== null && { concurrentRequests: client.concurrentRequests }),
    ...(client.jwks !== null && { jwks: JSON.parse(client.jwks) as object }),
    ...(client.jwksUri !== null && { jwksUri: client.jwksUri }),
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
