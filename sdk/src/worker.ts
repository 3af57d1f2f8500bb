import { registerDevice } from './registration.js';
import { readState } from './state.js';
import type { PushEvent, WorkerScope } from './worker-scope.js';

/** As Carillon sends it (docs/providers-setup.md): `nid` is the id of the message. */
interface Message {
  nid: string;
  alert?: string;
  title?: string;
  body?: string;
  iconUrl?: string;
  url?: string;
  payload?: { tag?: string; actions?: unknown } | string;
  /** Present if the application asks for receipts. */
  receiptToken?: string;
}

/** Listens in the site's worker. Pushes of other senders are left to the site's own listeners. */
export function listen(scope: WorkerScope): void {
  const { registration } = scope;
  let last = Promise.resolve();

  /** Three events in a row are one registration: the second finds it done. */
  const heal = (): Promise<void> =>
    (last = last.then(async () => {
      const state = await readState(registration);
      // Without an answer, the next push or the next page tries again.
      if (state) await registerDevice(registration, state).catch(() => {});
    }));

  scope.addEventListener('push', (event) => {
    const message = readMessage(event);
    if (!message) return;
    const shown = show(registration, message).then(() => tell(registration, message, 'displayed'));
    event.waitUntil(Promise.all([shown, heal()]));
  });

  scope.addEventListener('pushsubscriptionchange', (event) => event.waitUntil(heal()));

  scope.addEventListener('notificationclick', (event) => {
    const message = messageOf(event.notification);
    if (!message) return;
    event.notification.close();
    // The receipt comes after the focus, which the click allows for a moment only.
    const opened = open(scope, message.url).catch(() => {});
    event.waitUntil(opened.then(() => tell(registration, message, 'opened', event.action)));
  });

  scope.addEventListener('notificationclose', (event) => {
    const message = messageOf(event.notification);
    if (message) event.waitUntil(tell(registration, message, 'dismissed'));
  });
}

function readMessage({ data }: PushEvent): Message | undefined {
  try {
    const message = data?.json() as Message | null;
    return typeof message?.nid === 'string' ? message : undefined;
  } catch {
    return undefined;
  }
}

const messageOf = (notification: { data: unknown }): Message | undefined =>
  (notification.data as { carillon?: Message } | null)?.carillon;

function show(registration: ServiceWorkerRegistration, message: Message): Promise<void> {
  const { nid, alert = '', title, body, iconUrl, payload } = message;
  const custom = typeof payload === 'object' ? payload : {};
  return registration.showNotification(title ?? alert, {
    body: body ?? (title === undefined ? '' : alert),
    ...(iconUrl !== undefined && { icon: iconUrl }),
    ...(Array.isArray(custom.actions) && { actions: custom.actions as unknown }),
    // A repeat of the message replaces the first.
    tag: custom.tag ?? nid,
    data: { carillon: message },
  });
}

/** One tab: the one that shows the address, else one of the site that the worker can lead there, else a new one. */
async function open({ clients, registration }: WorkerScope, address: string | undefined): Promise<unknown> {
  const url = safeAddress(address, registration.scope);
  const there = (await clients.matchAll({ type: 'window', includeUncontrolled: true })).find((tab) => tab.url === url);
  const isOwn = url.startsWith(new URL('/', registration.scope).href);
  const tab = there ?? (isOwn ? (await clients.matchAll({ type: 'window' }))[0] : undefined);
  try {
    // The click allows one focus, and only for a moment, so the focus comes before the navigation.
    if (tab) await tab.focus();
  } catch {
    return clients.openWindow(url);
  }
  if (!tab) return clients.openWindow(url);
  return there ?? tab.navigate(url);
}

/** The start of the site in place of addresses that open no page, or hide where they lead. */
function safeAddress(address: string | undefined, base: string): string {
  const root = new URL('/', base);
  try {
    const url = new URL(address ?? '/', base);
    return /^https?:$/.test(url.protocol) && url.username === '' && url.password === '' ? url.href : root.href;
  } catch {
    return root.href;
  }
}

/** A receipt is told once and not repeated: a lost one is a lower count. */
async function tell(
  registration: ServiceWorkerRegistration,
  { nid, receiptToken }: Message,
  kind: string,
  action = '',
): Promise<void> {
  const { receipts } = (await readState(registration)) ?? {};
  if (!receipts || !receiptToken) return;
  await fetch(`${receipts}/messages/${nid}/receipts`, {
    method: 'POST',
    keepalive: true,
    headers: { 'content-type': 'application/json', authorization: `Bearer ${receiptToken}` },
    body: JSON.stringify(action === '' ? { kind } : { kind: 'action', action }),
  }).catch(() => {});
}
