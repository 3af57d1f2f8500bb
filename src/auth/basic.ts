import { isClientId, isSecret } from './client.js';

export interface Credentials {
  id: string;
  secret: string;
}

/**
 * Id and secret have at most 255 characters, percent-encoded three times as many; then a colon, and one third more by
 * base64.
 */
const MAX_ENCODED = 2_048;

/**
 * The pairs of id and secret that a Basic header can mean: as received, and form-decoded (RFC 6749 §2.3.1). Callers try
 * them in this order, because MobileFirst's clients send the raw form. Empty if the header cannot come from a client of
 * the registry.
 */
export function parseBasic(header: string | undefined): Credentials[] {
  const encoded = /^basic +([A-Za-z0-9+/_-]+=*) *$/i.exec(header ?? '')?.[1];
  if (!encoded || encoded.length > MAX_ENCODED) return [];
  const text = Buffer.from(encoded, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  if (colon < 0) return [];
  const raw = { id: text.slice(0, colon), secret: text.slice(colon + 1) };
  const decoded = { id: formDecode(raw.id), secret: formDecode(raw.secret) };
  const differs = decoded.id !== raw.id || decoded.secret !== raw.secret;
  return (differs ? [raw, decoded] : [raw]).filter(({ id, secret }) => isClientId(id) && isSecret(secret));
}

/** Returns an empty text, which is never an id or secret, if the text is not form-encoded. */
function formDecode(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return '';
  }
}
