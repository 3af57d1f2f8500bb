import { constants, verify, type KeyObject } from 'node:crypto';
import { isFields, type Fields } from './shape.js';

export interface Jws {
  header: Fields;
  claims: Fields;
  signed: Buffer;
  signature: Buffer;
}

/** Parses a compact JWS without verifying it; null if it is not one. */
export function readJws(compact: string): Jws | null {
  const parts = compact.split('.');
  const [header, claims, signature] = parts;
  if (parts.length !== 3 || header === undefined || claims === undefined || signature === undefined) return null;
  const headerFields = decode(header);
  const claimFields = decode(claims);
  if (!headerFields || !claimFields) return null;
  return {
    header: headerFields,
    claims: claimFields,
    signed: Buffer.from(`${header}.${claims}`),
    signature: Buffer.from(signature, 'base64url'),
  };
}

function decode(part: string): Fields | null {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString('utf8'));
    return isFields(value) ? value : null;
  } catch {
    return null;
  }
}

/** RFC 7518: ES256 signatures are r‖s of 64 bytes, not DER. */
export function verifyJws(jws: Jws, algorithm: 'ES256' | 'RS256' | 'PS256', key: KeyObject): boolean {
  if (jws.header['alg'] !== algorithm) return false;
  if (algorithm === 'RS256') return verify('sha256', jws.signed, key, jws.signature);
  if (algorithm === 'PS256') {
    const pss = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST };
    return verify('sha256', jws.signed, { key, ...pss }, jws.signature);
  }
  return verify('sha256', jws.signed, { key, dsaEncoding: 'ieee-p1363' }, jws.signature);
}
