import { api, bodyOf } from '../../api/client';
import type { QueryClient } from '@tanstack/react-query';
import { CALM_MS, LIVE_MS, reading } from '../../api/read';
import type { components, operations } from '../../api/schema';
import type { DevicesAddress } from './address';

export type Device = components['schemas']['DeviceAnswer'];
export type Explanation = components['schemas']['ExplanationAnswer'];
type DevicesQuery = NonNullable<operations['DevicesController_list']['parameters']['query']>;

const SIZE = 25;

export function devicesQuery(applicationId: string, { after, ...filter }: DevicesAddress) {
  const query = { size: SIZE, ...toQuery(filter), ...(after && { cursor: after }) };
  return reading(
    ['devices', applicationId, query],
    (options) =>
      bodyOf(
        api.GET('/imfpush/v1/apps/{applicationId}/devices', { params: { path: { applicationId }, query }, ...options }),
      ),
    CALM_MS,
  );
}

function toQuery({ by = 'device', text, platform, language, state }: DevicesAddress): DevicesQuery {
  const name = ({ device: 'idPrefix', user: 'userPrefix', token: 'tokenEnd', attribute: 'attribute' } as const)[by];
  return {
    ...(text && { [name]: text }),
    ...(platform && { platform: platform as DevicesQuery['platform'] }),
    ...(language && { language }),
    ...(state && { state: state as DevicesQuery['state'] }),
  };
}

/** The cursor in a link of the API; undefined: there is no further page. */
export function cursorOf(link: string): string | undefined {
  return link === '' ? undefined : (new URL(link, location.origin).searchParams.get('cursor') ?? undefined);
}

export interface DevicePath {
  applicationId: string;
  deviceId: string;
}

export function deviceQuery(path: DevicePath) {
  return reading(
    ['device', path.applicationId, path.deviceId],
    (options) =>
      bodyOf(api.GET('/imfpush/v1/apps/{applicationId}/devices/{deviceId}', { params: { path }, ...options })),
    CALM_MS,
  );
}

/** Names of the tags that the device is subscribed to. */
export function deviceTagsQuery({ applicationId, deviceId }: DevicePath) {
  return reading(['device-tags', applicationId, deviceId], async (options) => {
    const params = { path: { applicationId }, query: { deviceId, size: 1_000 } };
    const page = await bodyOf(api.GET('/imfpush/v1/apps/{applicationId}/subscriptions', { params, ...options }));
    return page.subscriptions.map(({ tagName }) => tagName).filter((name) => name !== undefined);
  });
}

const OPEN = new Set(['pending', 'inFlight']);

/** The messages of a device: live as long as one of them has not ended. */
export function deviceMessagesQuery(path: DevicePath, after: string | undefined) {
  return reading(
    ['device-messages', path.applicationId, path.deviceId, after ?? null],
    async (options) => {
      const params = { path, query: { size: SIZE, ...(after && { after }) } };
      const url = '/imfpush/v1/apps/{applicationId}/devices/{deviceId}/messages';
      const page = await bodyOf(api.GET(url, { params, ...options }));
      return 'messages' in page ? page : { messages: [] };
    },
    (page) => (page?.messages.some(({ outcome }) => OPEN.has(outcome)) ? LIVE_MS : CALM_MS),
  );
}

/** Why a device did or did not get a message. */
export function explanationQuery(path: DevicePath, messageId: string) {
  return reading(['device-message', path.applicationId, path.deviceId, messageId], async (options) => {
    const params = { path, query: { messageId } };
    const url = '/imfpush/v1/apps/{applicationId}/devices/{deviceId}/messages';
    const told = await bodyOf(api.GET(url, { params, ...options }));
    if ('messages' in told) throw new Error('the answer is a list');
    return told;
  });
}

export function readAgain(queries: QueryClient, applicationId: string): Promise<unknown> {
  const keys = ['devices', 'device', 'device-tags', 'device-messages', 'user'];
  return Promise.all(keys.map((key) => queries.invalidateQueries({ queryKey: [key, applicationId] })));
}
