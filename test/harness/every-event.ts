import { setTimeout as delay } from 'node:timers/promises';
import { EVENT_NAMES } from '../../src/events/event-types.js';
import type { RunningSimulators } from '../simulators/client.js';
import { Api } from './api.js';
import { startCarillon } from './carillon.js';
import type { RunningCarillon } from './carillon.js';
import { EventReceiver } from './event-receiver.js';
import type { Posted } from './event-receiver.js';
import { P12_PASSWORD, makeP12Of } from './p12.js';

export interface EveryEvent {
  api: Api;
  secret: string;
  receiver: EventReceiver;
  /** Clears what was posted, and has all events posted again. */
  replay: () => Promise<void>;
  stop: () => Promise<void>;
}

const APPLICATION = 'com.example.app';
const ALERT = { message: { alert: 'Hello \ufeff' } };
/** Names that a verifier may read as other bytes. */
const LABEL = 'é😀\u2028</script>';
const ID = (name: string): string => `${name}-é😀`;
/** The begin of a replay. */
const BEFORE = new Date(Date.now() - 3_600_000).toISOString();
const PATIENCE_MS = 60_000;

/**
 * Makes each type of event happen at least once by calls of the API, with a webhook and the feed that want all of them.
 * The credentials of a provider end soon, which a scheduler sees at its start: so the program starts twice.
 */
export async function makeEveryEvent(
  environment: Record<string, string>,
  simulators: RunningSimulators,
): Promise<EveryEvent> {
  const start = (): Promise<RunningCarillon> =>
    startCarillon({
      WEBHOOK_ALLOW_PRIVATE: 'true',
      APNS_URL: simulators.apns.url,
      PROVIDER_CA_FILE: simulators.caPath ?? '',
      ...environment,
    });
  const receiver = new EventReceiver();
  const url = await receiver.start();
  let carillon = await start();
  const stop = async (): Promise<void> => {
    await carillon.stop();
    receiver.stop();
  };
  try {
    let api = await Api.connect(carillon.url);
    const hook = { name: 'all', url, eventTypes: '*' };
    const { secret } = await call<{ secret: string }>(api, 'POST', '/webhooks', hook);
    await call(api, 'PUT', '/events/feed', { eventTypes: '*' });
    await putCertificate(api);
    await carillon.stop();
    carillon = await start();
    api = await Api.connect(carillon.url);
    const seen = (type: string): Promise<void> => until(() => receiver.posted.some((each) => each.type === type), type);
    await seen('credential.expiring');
    await changeDevices(api);
    await sendMessages(api, seen);
    await pauseProvider(api, simulators, seen);
    await fireCampaigns(api, seen);
    for (const type of EVENT_NAMES) await seen(type);
    await until(() => isQuiet(api, receiver.posted), 'end of the events');
    const replay = async (): Promise<void> => {
      receiver.posted.length = 0;
      const { body } = await api.app<{ events: number }>('POST', '/webhooks/all/replay', { from: BEFORE });
      await until(() => receiver.posted.length >= body.events, `repeat of ${body.events} events`);
    };
    return { api, secret, receiver, replay, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function call<T>(api: Api, method: string, path: string, body?: unknown): Promise<T> {
  const answer = await api.app<T>(method, path, body);
  if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
  return answer.body;
}

/** Of ten days. */
async function putCertificate(api: Api): Promise<void> {
  const form = new FormData();
  form.set('password', P12_PASSWORD);
  form.set('isSandBox', 'true');
  form.set('certificate', new Blob([makeP12Of(10, `/UID=${APPLICATION}`).p12]), 'push.p12');
  const answer = await api.raw('PUT', '/settings/apnsConf', form, {});
  if (!answer.ok) throw new Error(`settings: ${answer.status} ${await answer.text()}`);
  await answer.text();
}

async function changeDevices(api: Api): Promise<void> {
  const device = { deviceId: ID('moving'), platform: 'G', token: 'sandbox:accepted:moving', userId: 'ann' };
  await api.registerDevices([device]);
  await api.registerDevices([{ ...device, userId: 'bob' }]);
  await call(api, 'POST', '/subscriptions', { deviceId: device.deviceId, tagName: 'news' });
  await call(api, 'DELETE', `/subscriptions?deviceId=${encodeURIComponent(device.deviceId)}&tagName=news`);
  await api.registerDevices([{ ...device, deviceId: ID('moved') }]);
  await call(api, 'DELETE', `/devices/${encodeURIComponent(ID('moved'))}`);
}

async function sendMessages(api: Api, seen: (type: string) => Promise<void>): Promise<void> {
  const outcomes = ['accepted', 'gone', 'rejected', 'ambiguous', 'throttled-forever'];
  await api.registerDevices(
    outcomes.map((name) => ({ deviceId: ID(name), platform: 'G', token: `sandbox:${name}:every-event` })),
  );
  const deviceIds = outcomes.slice(0, 4).map(ID);
  const id = await api.send({ ...ALERT, label: LABEL, target: { deviceIds }, onUnknown: 'hold' });
  await api.waitFor(id);
  for (const kind of ['displayed', 'opened', 'dismissed'])
    await call(api, 'POST', `/messages/${id}/receipts`, { deviceId: ID('accepted'), kind });
  await call(api, 'POST', `/messages/${id}/receipts`, { deviceId: ID('accepted'), kind: 'action', action: LABEL });
  const late = { ...ALERT, target: { deviceIds: [ID('throttled-forever')] } };
  await api.send({ ...late, ttl: 1 });
  const held = await api.send(late);
  await call(api, 'POST', `/messages/${held}/pause`);
  await seen('message.paused');
  await call(api, 'DELETE', `/messages/${held}`);
}

/** The provider refuses our key. */
async function pauseProvider(
  api: Api,
  simulators: RunningSimulators,
  seen: (type: string) => Promise<void>,
): Promise<void> {
  const { key, keyId, teamId, bundleId } = simulators.credentials.apns;
  await call(api, 'PUT', '/settings/apnsConf', { key, keyId, teamId, bundleId });
  const token = 'e'.repeat(64);
  await api.registerDevices([{ deviceId: ID('apns'), platform: 'A', token }]);
  const refusal = { status: 403, reason: 'InvalidProviderToken' };
  await simulators.admin.appendFaults([{ match: { token }, action: refusal }]);
  await api.send({ ...ALERT, target: { deviceIds: [ID('apns')] } });
  await seen('provider.paused');
  await simulators.admin.clearFaults();
  await call(api, 'POST', '/providers/apns/resume');
}

/** One fires, and one whose application is disabled at its moment is skipped. */
async function fireCampaigns(api: Api, seen: (type: string) => Promise<void>): Promise<void> {
  const add = async (schedule: object): Promise<string> => {
    const campaign = { name: 'Every event', content: ALERT, target: { deviceIds: [ID('accepted')] }, schedule };
    const { campaignId } = await call<{ campaignId: string }>(api, 'POST', '/campaigns', campaign);
    return `/campaigns/${campaignId}`;
  };
  await call(api, 'POST', `${await add({ cron: '0 0 1 1 *', timeZone: 'UTC' })}/run`);
  await seen('campaign.run.finished');
  const soon = await add({ at: [new Date(Date.now() + 2_000).toISOString()] });
  await call(api, 'POST', `${soon}/activate`);
  await call(api, 'PUT', '/status', { enabled: false });
  await seen('campaign.run.skipped');
  await call(api, 'PUT', '/status', { enabled: true });
}

/** Every message has ended, and the webhook has posted every event. */
async function isQuiet(api: Api, posted: readonly Posted[]): Promise<boolean> {
  const { messages } = (await api.app<{ messages: { finishedTime?: string }[] }>('GET', '/messages')).body;
  const { events } = (await api.app<{ events: { id: string }[] }>('GET', '/events?wait=0&limit=1000')).body;
  const { pending } = (await api.app<{ pending: number }>('GET', '/webhooks/all')).body;
  const known = new Set(posted.map(({ id }) => id));
  return messages.every(({ finishedTime }) => finishedTime) && events.every(({ id }) => known.has(id)) && pending === 0;
}

async function until(isTrue: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const deadline = Date.now() + PATIENCE_MS;
  while (!(await isTrue())) {
    if (Date.now() > deadline) throw new Error(`there came no ${what}`);
    await delay(50);
  }
}
