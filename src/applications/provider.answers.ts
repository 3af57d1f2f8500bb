import { ApiProperty } from '@nestjs/swagger';
import { PROVIDER_NAMES } from '../providers/provider.js';
import type { ProviderName } from '../providers/provider.js';
import { PauseAnswer } from './settings.answers.js';

/** The state of an application at one provider. */
export class ProviderAnswer extends PauseAnswer {
  @ApiProperty({ enum: PROVIDER_NAMES })
  provider!: ProviderName;
  configured!: boolean;
  /**
   * Deliveries per second allowed now, after the provider asked for less or during the start; absent without a limit.
   */
  limitPerSecond?: number;
  /** The provider asked for no requests until then; absent if it did not. */
  blockedUntilTime?: string;
  lastSuccessTime?: string;
  lastErrorTime?: string;
  lastError?: string;
  /** Worker processes that sent to this provider within the last minute; the numbers are their sums. */
  @ApiProperty({ type: 'integer' })
  processes!: number;
  @ApiProperty({ type: 'integer' })
  connections!: number;
  @ApiProperty({ type: 'integer' })
  streams!: number;
  @ApiProperty({ type: 'integer' })
  inFlight!: number;
  ratePerSecond!: number;
}

export class ProviderListAnswer {
  providers!: ProviderAnswer[];
}
