import { sign, type KeyObject } from 'node:crypto';

/**
 * Signs a compact JWS (RFC 7515) with SHA-256: ES256 for an EC P-256 key, RS256 for an RSA key. ES256 wants r‖s
 * (RFC 7518 §3.4), where node makes DER unless told; the encoding is ignored for RSA.
 */
export function signJwt(
  header: Record<string, string>,
  claims: Record<string, string | number>,
  key: KeyObject,
): string {
  const alg = key.asymmetricKeyType === 'ec' ? 'ES256' : 'RS256';
  const input = `${encode({ alg, ...header })}.${encode(claims)}`;
  const signature = sign('sha256', Buffer.from(input), { key, dsaEncoding: 'ieee-p1363' });
  return `${input}.${signature.toString('base64url')}`;
}

function encode(part: object): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url');
}
