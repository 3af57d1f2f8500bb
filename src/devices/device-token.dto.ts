import { IsInt, IsOptional, IsString, Max, MaxLength, Min } from 'class-validator';
import { TOKEN_LIFETIME_S } from '../auth/signing-keys.js';
import { IsPathName } from '../common/path-name.js';
import { MAX_USER_ID } from './device.dto.js';

/** A signing key that is replaced verifies for as long as its last access token holds. */
export const LONGEST_S = TOKEN_LIFETIME_S;
const SHORTEST_S = 60;

export class IssueDeviceTokenDto {
  /**
   * The user for whom a device that is not registered yet may register; omitted: no user. Of a registered device, its
   * user.
   */
  @IsOptional()
  @IsString({ message: 'it must be a string' })
  @MaxLength(MAX_USER_ID, { message: `it must be at most ${MAX_USER_ID} characters` })
  @IsPathName()
  userId?: string;

  /**
   * Seconds that the token holds. Default: 3600.
   * @example 3600
   */
  @IsOptional()
  @IsInt({ message: 'it must be a whole number' })
  @Min(SHORTEST_S, { message: `it must be at least ${SHORTEST_S}` })
  @Max(LONGEST_S, { message: `it must be at most ${LONGEST_S}` })
  expiresIn?: number;
}

export class DeviceTokenAnswer {
  /** For the Authorization header of the device, after `Bearer`. */
  deviceToken!: string;
  expiresTime!: string;
}
