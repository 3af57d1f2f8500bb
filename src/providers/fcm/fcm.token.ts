import { HOUR_S } from '../../common/durations.js';
import type { TokenRequest } from '../shared/bearer-tokens.js';
import { signJwt } from '../../common/jwt.js';
import { shelfName } from '../token-shelf.js';
import type { ServiceAccount } from './fcm.settings.js';

const SCOPE = 'https://www.googleapis.com/auth/firebase.messaging';
const GRANT_TYPE = 'urn:ietf:params:oauth:grant-type:jwt-bearer';

/** Requests access tokens with an assertion that the service account signs (RFC 7523 §2.1; Google's scope). */
export function assertionGrant({ clientEmail, key, keyId, tokenUri }: ServiceAccount): TokenRequest {
  return {
    name: shelfName('fcm', tokenUri, clientEmail, key.export({ type: 'pkcs8', format: 'pem' }).toString()),
    url: tokenUri,
    form: (now) => {
      const iat = Math.floor(now / 1_000);
      const claims = { iss: clientEmail, scope: SCOPE, aud: tokenUri, iat, exp: iat + HOUR_S };
      const header = { typ: 'JWT', ...(keyId === undefined ? {} : { kid: keyId }) };
      return { grant_type: GRANT_TYPE, assertion: signJwt(header, claims, key) };
    },
  };
}
