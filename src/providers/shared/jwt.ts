import { constants, sign, type KeyObject } from 'node:crypto';

/** PS256 (RFC 7518 §3.5): RSASSA-PSS whose salt is as long as the hash. */
const PSS = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST };

/**
 * Signs a compact JWS (RFC 7515) with SHA-256: ES256 for an EC P-256 key, RS256 for an RSA key, or PS256 where that is
 * asked of one. ES256 wants r‖s (RFC 7518 §3.4), where node makes DER unless told; the encoding is ignored for RSA.
 */
export function signJwt(
  header: Record<string, string>,
  claims: Record<string, string | number>,
  key: KeyObject,
  rsa: 'RS256' | 'PS256' = 'RS256',
): string {
  const alg = key.asymmetricKeyType === 'ec' ? 'ES256' : rsa;
  const input = `${encode({ alg, ...header })}.${encode(claims)}`;
  const padding = alg === 'PS256' ? PSS : { dsaEncoding: 'ieee-p1363' as const };
  const signature = sign('sha256', Buffer.from(input), { key, ...padding });
  return `${input}.${signature.toString('base64url')}`;
}

function encode(part: object): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url');
}
