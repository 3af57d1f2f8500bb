import { PushError } from './push-error.js';
import { writeState } from './state.js';
import type { State } from './state.js';

/**
 * Subscribes if the browser has no subscription with the application's key, and tells the backend if it does not know
 * the subscription yet, or if `always`. Throws `subscription` or `backend`; a later call goes on where this one failed.
 */
export async function registerDevice(
  registration: ServiceWorkerRegistration,
  state: State,
  always = false,
): Promise<void> {
  const { publicKey, deviceId, tags } = state;
  let subscription = await registration.pushManager.getSubscription();
  try {
    const key = subscription?.options.applicationServerKey;
    if (subscription && key && toBase64Url(key) !== publicKey) {
      await subscription.unsubscribe();
      subscription = null;
    }
    subscription ??= await registration.pushManager.subscribe({
      userVisibleOnly: true,
      applicationServerKey: publicKey,
    });
  } catch (error) {
    throw new PushError('subscription', String(error));
  }
  const { endpoint } = subscription;
  if (always || endpoint !== state.registered) {
    await writeState(registration, { ...state, registered: undefined });
    const platform = platformOf(endpoint);
    await callBackend(state.backend, 'POST', { deviceId, platform, token: JSON.stringify(subscription), tags });
  }
  await writeState(registration, { ...state, registered: endpoint });
}

/** Throws `backend` for every answer but 2xx. */
export async function callBackend(backend: string, method: string, body: unknown): Promise<void> {
  const headers = { 'content-type': 'application/json' };
  const answer = await fetch(backend, { method, headers, body: JSON.stringify(body) }).catch((error: unknown) => {
    throw new PushError('backend', String(error));
  });
  if (!answer.ok) throw new PushError('backend', `${backend} answered ${answer.status}`);
}

/** The push services of Apple and Mozilla are known by their hosts; all other browsers are like Chrome. */
function platformOf(endpoint: string): string {
  const { hostname } = new URL(endpoint);
  if (hostname.endsWith('.push.apple.com')) return 'WEB_SAFARI';
  return hostname.endsWith('.mozilla.com') ? 'WEB_FIREFOX' : 'WEB_CHROME';
}

function toBase64Url(bytes: ArrayBuffer): string {
  return btoa(String.fromCharCode(...new Uint8Array(bytes))).replace(/[+/=]/g, (sign) => TO_URL[sign] ?? '');
}

const TO_URL: Record<string, string> = { '+': '-', '/': '_' };
