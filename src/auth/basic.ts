import { isClientId, isSecret } from './client.js';

export interface Credentials {
  id: string;
  secret: string;
}

/** 255 characters each, every one of them percent-encoded, a colon, and the third that base64 adds. */
const MAX_ENCODED = 2_048;

/**
 * The pairs that a Basic header may mean: as it stands, and form-decoded as RFC 6749 §2.3.1 has it. Callers try them
 * in this order, because MobileFirst's own clients send the raw form. None, when it is no header that a client of the
 * registry could send.
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

/** Empty, which no id or secret is, when the text is no form encoding. */
function formDecode(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return '';
  }
}
