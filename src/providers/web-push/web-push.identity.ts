import { ECDH } from 'node:crypto';
import { canonicalUri } from '../shared/canonical-uri.js';
import type { Identified } from '../provider.js';
import { readEndpoint } from './web-push.endpoint.js';
import type { EndpointRules } from './web-push.endpoint.js';
import { readSubscription } from './web-push.subscription.js';

/**
 * The identity of a subscription is its endpoint (RFC 8030 §5.1): its keys, other members and their spelling may
 * differ. Pure.
 */
export function identifySubscription(token: string, rules: EndpointRules): Identified {
  const subscription = readSubscription(token);
  if (typeof subscription === 'string') return { refusal: subscription };
  const text = subscription.endpoint.trim();
  if (/\s/.test(text)) return { refusal: 'the endpoint must not have white space in it' };
  const endpoint = readEndpoint(text, rules);
  if (typeof endpoint === 'string') return { refusal: endpoint };
  if (!isOnCurve(subscription.userPublicKey)) return { refusal: 'userPublicKey is not on the curve P-256' };
  return { identity: canonicalUri(new URL(text)) };
}

/** Takes about 20 µs. */
function isOnCurve(point: Buffer): boolean {
  try {
    ECDH.convertKey(point, 'prime256v1');
    return true;
  } catch {
    return false;
  }
}
