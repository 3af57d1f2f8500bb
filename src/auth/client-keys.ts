import { createPublicKey, type KeyObject } from 'node:crypto';

/** Pure rules for the public keys by which a client authenticates (RFC 7517, RFC 7523). */

const MAX_KEYS = 10;
const MAX_TEXT = 16_384;
/** Members of private and symmetric keys (RFC 7518 §6). */
const SECRET_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'];

/** The keys of a client; at most one of the two. Null: none. */
export interface ClientKeys {
  /** Text of a JSON Web Key Set. */
  jwks: string | null;
  /** Address of one. */
  jwksUri: string | null;
}

export const NO_KEYS: ClientKeys = { jwks: null, jwksUri: null };

/** The reason why a key set cannot be used; undefined for a good set. */
export function refuseKeySet(set: unknown): string | undefined {
  const keys = (set as { keys?: unknown } | null)?.keys;
  if (!Array.isArray(keys) || keys.length === 0 || keys.length > MAX_KEYS)
    return `it must be a JSON Web Key Set of 1 to ${MAX_KEYS} keys`;
  if (JSON.stringify(set).length > MAX_TEXT) return `it must have at most ${MAX_TEXT} characters`;
  for (const [index, key] of keys.entries()) {
    const refusal = refuseKey(key);
    if (refusal !== undefined) return `keys.${index} ${refusal}`;
  }
  return undefined;
}

function refuseKey(key: unknown): string | undefined {
  if (typeof key !== 'object' || key === null) return 'must be an object';
  if (SECRET_MEMBERS.some((name) => Object.hasOwn(key, name))) return 'must be a public key, without private members';
  let read: KeyObject;
  try {
    read = createPublicKey({ key: key as never, format: 'jwk' });
  } catch {
    return 'must be a public RSA, EC or Ed25519 key';
  }
  const { modulusLength } = read.asymmetricKeyDetails ?? {};
  if (read.asymmetricKeyType === 'rsa')
    return (modulusLength ?? 0) < 2_048 ? 'must have at least 2048 bits' : undefined;
  return ['ec', 'ed25519'].includes(read.asymmetricKeyType ?? '')
    ? undefined
    : 'must be a public RSA, EC or Ed25519 key';
}

/** Omitted: unchanged; null: none. A set that is given replaces an address, and the other way round. */
export function keysOf(wanted: Partial<ClientKeys>, before: ClientKeys): ClientKeys {
  if (wanted.jwks) return { jwks: wanted.jwks, jwksUri: null };
  if (wanted.jwksUri) return { jwks: null, jwksUri: wanted.jwksUri };
  return {
    jwks: wanted.jwks === undefined ? before.jwks : null,
    jwksUri: wanted.jwksUri === undefined ? before.jwksUri : null,
  };
}

export function hasKeys({ jwks, jwksUri }: Partial<ClientKeys>): boolean {
  return Boolean(jwks || jwksUri);
}
