import { Injectable } from '@nestjs/common';
import { decodeProtectedHeader, jwtVerify } from 'jose';
import { randomUUID } from 'node:crypto';
import { Clock } from '../common/clock.js';
import { signJwt } from '../common/jwt.js';
import { ALGORITHM, SigningKeys } from './signing-keys.js';

const ISSUER = 'carillon';
/** Another audience and type than an access token's: neither kind is ever read as the other. */
const AUDIENCE = 'carillon-device';
const TYPE = 'device+jwt';
/** A device id and a user id of 255 characters each, which JSON and base64 may make eight times as long. */
const MAX_LENGTH = 6_144;

/** A device of an application, as its token names it. */
export interface TokenDevice {
  applicationId: string;
  deviceId: string;
  /** Null: the device was not registered when the token was issued; the token is for its first registration. */
  seq: number | null;
  userId: string | null;
}

/** The claims of a token with a valid signature that has not expired; the device's state is not checked. */
export interface DeviceToken extends TokenDevice {
  jti: string;
  /** Epoch milliseconds. */
  expiresAt: number;
}

/** Issues and reads device tokens: signed JWTs with which one device calls about itself. */
@Injectable()
export class DeviceTokens {
  constructor(
    private readonly keys: SigningKeys,
    private readonly clock: Clock,
  ) {}

  /** `expiresAt`: epoch milliseconds. */
  issue({ applicationId, deviceId, seq, userId }: TokenDevice, expiresAt: number): string {
    const { kid, sign } = this.keys.current();
    const claims = {
      ...{ iss: ISSUER, aud: AUDIENCE, sub: deviceId, app: applicationId, seq, usr: userId, jti: randomUUID() },
      ...{ iat: Math.floor(this.clock.now() / 1_000), exp: Math.floor(expiresAt / 1_000) },
    };
    return signJwt({ typ: TYPE, kid }, claims, sign);
  }

  /** Null if it was not issued by this server, was changed, or has expired. */
  async read(token: string): Promise<DeviceToken | null> {
    const { kid } = headerOf(token);
    const key = token.length > MAX_LENGTH || kid === undefined ? undefined : await this.keys.find(kid);
    if (!key) return null;
    try {
      const { payload } = await jwtVerify<{ app: string; seq: number | null; usr: string | null }>(token, key.verify, {
        algorithms: [ALGORITHM],
        issuer: ISSUER,
        audience: AUDIENCE,
        typ: TYPE,
        requiredClaims: ['sub', 'app', 'jti', 'exp'],
        currentDate: new Date(this.clock.now()),
      });
      const { app, sub = '', seq, usr, jti = '', exp = 0 } = payload;
      return { applicationId: app, deviceId: sub, seq, userId: usr, jti, expiresAt: exp * 1_000 };
    } catch {
      return null;
    }
  }
}

/** Whether the token says that it is a device token. */
export function isDeviceToken(token: string): boolean {
  return headerOf(token).typ === TYPE;
}

function headerOf(token: string): { kid?: string; typ?: string } {
  try {
    return decodeProtectedHeader(token);
  } catch {
    return {};
  }
}
