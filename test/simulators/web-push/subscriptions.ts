import { createDecipheriv, createECDH, hkdfSync, randomBytes, type ECDH } from 'node:crypto';
import type { Personality } from './personality.js';

/** A browser's subscription in the form of `PushSubscription.toJSON()`. */
export interface SubscriptionJson {
  endpoint: string;
  expirationTime: null;
  keys: { p256dh: string; auth: string };
}

export interface Subscription {
  endpoint: string;
  personality: Personality;
  /** The only key that may push to it; any if the page subscribed without one. */
  vapidPublicKey: string | undefined;
  keys: ECDH;
  auth: Buffer;
}

const PATHS: Readonly<Record<Personality, string>> = {
  mozilla: '/wpush/v2/',
  apple: '/apple/',
  google: '/fcm/send/',
  wns: '/w/?token=',
};

/** The browsers: each subscription with its private keys. */
export class Subscriptions {
  origin = '';
  private readonly byPath = new Map<string, Subscription>();

  create(personality: Personality, vapidPublicKey: string | undefined): SubscriptionJson {
    const path = PATHS[personality] + randomBytes(24).toString('base64url');
    const keys = createECDH('prime256v1');
    const p256dh = keys.generateKeys('base64url');
    const auth = randomBytes(16);
    const endpoint = this.origin + path;
    this.byPath.set(path, { endpoint, personality, vapidPublicKey, keys, auth });
    return { endpoint, expirationTime: null, keys: { p256dh, auth: auth.toString('base64url') } };
  }

  find(path: string): Subscription | undefined {
    return this.byPath.get(path);
  }

  clear(): void {
    this.byPath.clear();
  }
}

/** The service with endpoints of this form. */
export function personalityOf(path: string): Personality {
  const found = Object.entries(PATHS).find(([, start]) => path.startsWith(start));
  return (found?.[0] ?? 'google') as Personality;
}

/** Decrypts a body like a browser (RFC 8291 §4, RFC 8188 §2); null if a browser would drop the message. */
export function decrypt({ keys, auth }: Subscription, body: Buffer): Buffer | null {
  const senderKey = body.subarray(21, 86);
  // Only one record; a shorter body cannot contain header, delimiter and tag.
  if (body.length < 103 || body[20] !== 65 || body.readUInt32BE(16) < body.length - 86) return null;
  try {
    const info = Buffer.concat([Buffer.from('WebPush: info\0'), keys.getPublicKey(), senderKey]);
    const ikm = hkdfSync('sha256', keys.computeSecret(senderKey), auth, info, 32);
    const salt = body.subarray(0, 16);
    const key = hkdfSync('sha256', Buffer.from(ikm), salt, 'Content-Encoding: aes128gcm\0', 16);
    const nonce = hkdfSync('sha256', Buffer.from(ikm), salt, 'Content-Encoding: nonce\0', 12);
    const decipher = createDecipheriv('aes-128-gcm', Buffer.from(key), Buffer.from(nonce));
    decipher.setAuthTag(body.subarray(-16));
    const padded = Buffer.concat([decipher.update(body.subarray(86, -16)), decipher.final()]);
    const end = padded.findLastIndex((byte) => byte !== 0);
    return padded[end] === 2 ? padded.subarray(0, end) : null;
  } catch {
    return null;
  }
}
