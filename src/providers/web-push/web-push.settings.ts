import { createECDH, createPrivateKey, type KeyObject } from 'node:crypto';
import { isIP } from 'node:net';
import { isPublicAddress } from '../../common/public-address.js';
import { InvalidSettings, type ProviderSettings } from '../provider.js';
import { nameKey, readPastedKey } from '../shared/pasted-key.js';
import { readPastedBase64 } from '../shared/pasted-text.js';
import { matching } from '../shared/settings-input.js';

/** Credentials for Web Push: `settings` after `parseWebPushSettings`. */
export interface WebPushCredentials {
  key: KeyObject;
  /** The uncompressed point in base64url, with which pages subscribe (`applicationServerKey`). */
  publicKey: string;
  subject: string;
}

const FIELDS = new Set(['subject', 'publicKey', 'privateKey']);
/** Apple refuses a subject with a space or `<…>` after `mailto:`; other services accept it. */
export const SUBJECT = /^(mailto:[^\s<>@]+@[^\s<>@]+|https:\/\/[^\s<>]+)$/i;
/** Names that are not public (RFC 6761, RFC 6762, RFC 8375), and common names of internal networks. */
const INNER_NAME = /(^|\.)(localhost|local|localdomain|invalid|internal|intranet|lan|home\.arpa)$/;
const PRIVATE_BYTES = 32;
const POINT_BYTES = 65;

/**
 * Validates Web Push settings `{subject, publicKey?, privateKey?}`: a contact as a `mailto:` or `https:` URL, and a
 * VAPID key pair in base64url. Without keys, the keys of `current` are kept, because every subscription is bound to its
 * key; without those, a pair is made. Throws InvalidSettings; its text never contains the input.
 */
export function parseWebPushSettings(input: Record<string, unknown>, current?: ProviderSettings): ProviderSettings {
  for (const field of Object.keys(input)) {
    if (!FIELDS.has(field)) throw new InvalidSettings(field.slice(0, 40), 'is not a field of Web Push settings');
  }
  const subject = matching(
    input,
    'subject',
    SUBJECT,
    'must be a contact such as mailto:push@example.com or an https URL',
  );
  checkContact(subject);
  if (subject.length > 255) throw new InvalidSettings('subject', 'must be at most 255 characters');
  const { publicKey, privateKey } = readPair(input, current);
  return {
    visible: { publicKey, subject: subject.replace(/^(mailto|https):/i, (scheme) => scheme.toLowerCase()) },
    secret: { privateKey },
  };
}

/** Push services write to the contact if something is wrong. Apple refuses a JWT whose contact it cannot reach. */
function checkContact(subject: string): void {
  const isMail = /^mailto:/i.test(subject);
  const place = isMail ? `https://${subject.slice(subject.lastIndexOf('@') + 1)}` : subject;
  const host = URL.canParse(place) ? new URL(place).hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '') : '';
  const isPublic = isIP(host) === 0 ? host.includes('.') && !INNER_NAME.test(host) : isPublicAddress(host);
  if (host !== '' && isPublic) return;
  throw new InvalidSettings(
    'subject',
    'must be a contact that a push service can reach: its host is not a public name or address',
  );
}

/** Imports the credentials from parsed settings. */
export function openWebPushSettings(settings: ProviderSettings): WebPushCredentials {
  const publicKey = String(settings.visible.publicKey);
  const point = Buffer.from(publicKey, 'base64url');
  const key = createPrivateKey({
    format: 'jwk',
    key: {
      kty: 'EC',
      crv: 'P-256',
      x: point.subarray(1, 33).toString('base64url'),
      y: point.subarray(33).toString('base64url'),
      d: String(settings.secret.privateKey),
    },
  });
  return { key, publicKey, subject: String(settings.visible.subject) };
}

function readPair(
  input: Record<string, unknown>,
  current: ProviderSettings | undefined,
): Record<'publicKey' | 'privateKey', string> {
  const given = input.publicKey !== undefined && input.publicKey !== '';
  const secret = input.privateKey !== undefined && input.privateKey !== '';
  // A returned public key that is sent back means the existing pair.
  if (!secret && current !== undefined && (!given || input.publicKey === current.visible.publicKey)) {
    return { publicKey: String(current.visible.publicKey), privateKey: String(current.secret.privateKey) };
  }
  if (!given && !secret) return makePair();
  const bytes = readPrivate(input.privateKey);
  const derived = publicOf(bytes);
  if (derived === undefined) throw new InvalidSettings('privateKey', 'must be a P-256 private key');
  if (!derived.equals(readPublic(input.publicKey))) {
    throw new InvalidSettings('publicKey', 'must belong to privateKey: it is of another key');
  }
  return { publicKey: derived.toString('base64url'), privateKey: bytes.toString('base64url') };
}

/** 32 bytes in base64url, as generators of VAPID keys print them, or a key in PEM. */
function readPrivate(given: unknown): Buffer {
  const wrong = (what: string): InvalidSettings =>
    new InvalidSettings(
      'privateKey',
      `must be the private VAPID key of 32 bytes in base64url, given with publicKey: ${what}`,
    );
  if (typeof given !== 'string') throw wrong('it is no text');
  const bytes = readPastedBase64(given);
  if (typeof bytes !== 'string' && bytes.length === PRIVATE_BYTES) return bytes;
  if (typeof bytes !== 'string' && isPoint(bytes)) throw wrong('it is the public key');
  const key = readPastedKey(given);
  if (typeof key === 'string')
    throw wrong(typeof bytes === 'string' || bytes.length > PRIVATE_BYTES * 3 ? key : `it has ${bytes.length} bytes`);
  const { d } = key.asymmetricKeyDetails?.namedCurve === 'prime256v1' ? key.export({ format: 'jwk' }) : {};
  if (d === undefined) throw wrong(nameKey(key));
  return Buffer.from(d, 'base64url');
}

/** The uncompressed point in base64url, or a public key in PEM. */
function readPublic(given: unknown): Buffer {
  const wrong = (what: string): InvalidSettings =>
    new InvalidSettings(
      'publicKey',
      `must be the public VAPID key of 65 bytes in base64url, given with privateKey: ${what}`,
    );
  if (typeof given !== 'string') throw wrong('it is no text');
  // The point is the end of a P-256 SubjectPublicKeyInfo (RFC 5480 §2).
  const isPem = /BEGIN PUBLIC KEY/.test(given);
  const bytes = readPastedBase64(isPem ? given.replace(/-+(BEGIN|END) PUBLIC KEY-+/g, '') : given);
  if (typeof bytes === 'string') throw wrong(bytes);
  const point = isPem ? bytes.subarray(-POINT_BYTES) : bytes;
  if (isPoint(point)) return point;
  throw wrong(point.length === PRIVATE_BYTES ? 'it is a private key' : `it has ${point.length} bytes`);
}

function isPoint(bytes: Buffer): boolean {
  return bytes.length === POINT_BYTES && bytes[0] === 4;
}

function makePair(): Record<'publicKey' | 'privateKey', string> {
  const ecdh = createECDH('prime256v1');
  const publicKey = ecdh.generateKeys('base64url');
  // Node omits leading zeros of a private key.
  const privateKey = Buffer.from(ecdh.getPrivateKey('hex').padStart(PRIVATE_BYTES * 2, '0'), 'hex');
  return { publicKey, privateKey: privateKey.toString('base64url') };
}

function publicOf(privateKey: Buffer): Buffer | undefined {
  const ecdh = createECDH('prime256v1');
  try {
    ecdh.setPrivateKey(privateKey);
    return ecdh.getPublicKey();
  } catch {
    return undefined;
  }
}
