/** The common knowledge of a page and the worker of its scope, as an entry of the Cache API, which both reach. */
export interface State {
  /** Stays through every change of the subscription, so that the server keeps one device with its tags. */
  deviceId: string;
  /** The application's VAPID key, base64url. */
  publicKey: string;
  /** Absolute address at the site's own backend, which registers the device. */
  backend: string;
  /** Absolute address of the application at Carillon, for receipts. */
  receipts?: string;
  tags?: string[];
  /** The endpoint that the backend has taken. If the browser's is another one, the device has to be registered. */
  registered?: string;
}

const CACHE = 'carillon-web-push';

const keyOf = ({ scope }: ServiceWorkerRegistration): string => new URL(CACHE, scope).href;

export async function readState(registration: ServiceWorkerRegistration): Promise<State | undefined> {
  const kept = await (await caches.open(CACHE)).match(keyOf(registration));
  return kept && ((await kept.json()) as State);
}

export async function writeState(registration: ServiceWorkerRegistration, state: State): Promise<void> {
  await (await caches.open(CACHE)).put(keyOf(registration), new Response(JSON.stringify(state)));
}

export async function clearState(registration: ServiceWorkerRegistration): Promise<void> {
  await (await caches.open(CACHE)).delete(keyOf(registration));
}
