import { createECDH, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Api } from '../harness/api.js';
import { startCarillon } from '../harness/carillon.js';
import type { RunningCarillon } from '../harness/carillon.js';
import { STAGES } from './stages.js';

/**
 * What the vendor's SDKs send from the first start of an app to its removal, and what they read of the answers
 * (mobilefirst.md §12): the paths, bodies and headers are theirs, statuses and fields those they look at.
 */

interface Device {
  deviceId: string;
  token: string;
  userId: string;
}

const FORMATTED = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/;

describe.each(STAGES)('on $name', (stage) => {
  let carillon: RunningCarillon;
  let api: Api;
  let clean: () => void;

  beforeAll(async () => {
    const prepared = await stage.prepare();
    clean = prepared.clean;
    carillon = await startCarillon(prepared.environment);
    api = await Api.connect(carillon.url);
  });
  afterAll(async () => {
    await carillon.stop();
    clean();
  });

  it('the Windows Cordova plugin', async () => {
    const id = 'WIN-{5A1B}';
    const path = `/devices/${encodeURIComponent(id)}`;
    const channel = 'https://db5.notify.windows.com/?token=AwYAAAC%2fd';
    expect(await api.app('GET', path)).toMatchObject({ status: 404, body: { code: 'FPWSE0001E' } });
    // The plugin posts to the address with a slash.
    const registered = await api.app<Device>('POST', '/devices/', { deviceId: id, token: channel, platform: 'W' });
    expect(registered).toMatchObject({ status: 201, body: { deviceId: id, token: channel } });
    expect(await api.app('GET', path)).toMatchObject({ status: 200, body: { deviceId: id, token: channel } });

    const renewed = { deviceId: id, token: `${channel}2`, platform: 'W', phoneNumber: '+41791234567' };
    expect(await api.app('PUT', path, renewed)).toMatchObject({ status: 200, body: renewed });

    const tagNames = ['news', 'offers'];
    expect((await api.app('POST', '/subscriptions', { deviceId: id, tagNames })).status).toBe(207);
    expect(await subscribed(id)).toEqual(['Push.ALL', 'news', 'offers']);
    const left = await api.app('POST', '/subscriptions?action=delete', { deviceId: id, tagNames: ['news'] });
    expect(left.status).toBe(200);
    expect(await subscribed(id)).toEqual(['Push.ALL', 'offers']);

    expect(await api.app('DELETE', path)).toMatchObject({ status: 204, body: undefined });
    expect((await api.app('GET', path)).status).toBe(404);
    expect(await subscribed(id)).toEqual([]);
  });

  it.each(['WEB_CHROME', 'WEB_FIREFOX', 'WEB_SAFARI'])('the web push SDK in %s', async (platform) => {
    const deviceId = `web-${platform}`;
    const headers = {
      'x-requested-with': 'XMLHttpRequest',
      'x-wl-app-version': '1.0.0',
      'x-wl-platform-version': '8.0.0.00.2020-05-22T13:00:00Z',
      'x-wl-analytics-tracking-id': 'a1b2',
      'x-mfp-analytics-metadata': '{"deviceOS":"web"}',
    };
    const call = <T>(method: string, path: string, body?: unknown) => api.app<T>(method, path, body, headers);
    const token = JSON.stringify({
      endpoint: `https://push.example.com/send/${platform}`,
      userPublicKey: createECDH('prime256v1').generateKeys('base64url'),
      userAuth: randomBytes(16).toString('base64url'),
    });
    expect((await call('GET', `/devices/${deviceId}`)).status).toBe(404);
    const registered = await call<Device>('POST', '/devices', { deviceId, platform, userId: 'anna', token });
    expect(registered.body).toMatchObject({ deviceId, token, userId: 'anna' });
    const again = await call<Device>('GET', `/devices/${deviceId}`);
    expect(again.body).toMatchObject({ deviceId, token, userId: 'anna' });

    const { body: all } = await call<{ tags: { name: string }[] }>('GET', '/tags');
    expect(all.tags.map((tag) => tag.name)).toEqual(['news', 'offers']);
    expect((await call('POST', '/subscriptions', { deviceId, tagName: 'news' })).status).toBe(201);
    expect(await subscribed(deviceId)).toEqual(['Push.ALL', 'news']);
    const query = `deviceId=${deviceId}&tagName=news`;
    expect(await call('DELETE', `/subscriptions?${query}`)).toMatchObject({ status: 204, body: undefined });
    expect(await subscribed(deviceId)).toEqual(['Push.ALL']);
    expect((await call('DELETE', `/devices/${deviceId}`)).status).toBe(204);
  });

  it.each(['G', 'A'])('the Bluemix SDK on platform %s', async (platform) => {
    const deviceId = `0c9d4a52-${platform}`;
    const path = `/devices/${deviceId}`;
    // Old callers say in which mode they are.
    const headers = { 'application-mode': 'SANDBOX', 'x-rewrite-domain': 'mybluemix.net', 'accept-language': 'de' };
    const call = <T>(method: string, to: string, body?: unknown) => api.app<T>(method, to, body, headers);
    expect((await call('GET', path)).status).toBe(404);
    const body = { deviceId, token: `first-${platform}`, platform, variables: { city: 'Bern' } };
    const registered = await call<Device>('POST', '/devices', body);
    expect(registered).toMatchObject({
      status: 201,
      body: {
        deviceId,
        token: `first-${platform}`,
        platform,
        userId: 'anonymous',
        createdMode: 'API',
        createdTime: expect.stringMatching(FORMATTED) as string,
        lastUpdatedTime: expect.stringMatching(FORMATTED) as string,
      },
    });

    // Next start: it compares, and puts what is different.
    expect((await call<Device>('GET', path)).body).toMatchObject({ token: `first-${platform}`, userId: 'anonymous' });
    const changed = await call<Device>('PUT', path, { ...body, token: `second-${platform}`, userId: 'ben' });
    expect(changed).toMatchObject({ status: 200, body: { deviceId, token: `second-${platform}`, userId: 'ben' } });
    const unchanged = await call<Device>('PUT', path, { ...body, token: `second-${platform}`, userId: 'anonymous' });
    expect(unchanged.body.userId).toBe('anonymous');

    expect((await call('GET', '/tags')).status).toBe(200);
    const many = await call<Record<string, unknown>>('POST', '/subscriptions', {
      deviceId,
      tagNames: ['news', 'Push.ALL', 'nothing'],
    });
    expect(many).toMatchObject({
      status: 207,
      body: {
        tagsNotFound: { tags: ['nothing'], code: 'FPWSE0001E', message: expect.any(String) as string },
        subscriptionExists: ['Push.ALL'],
        subscribed: [{ tagName: 'news', deviceId, subscriptionId: expect.any(String) as string }],
      },
    });
    const { body: list } = await call<{ subscriptions: { tagName: string; href: string }[] }>(
      'GET',
      `/subscriptions?deviceId=${deviceId}&expand=true`,
    );
    expect(list.subscriptions.map((each) => each.tagName)).toEqual(['news', 'Push.ALL']);
    for (const { href, tagName } of list.subscriptions)
      expect(await api.call('GET', href.replace('/imfpush/v1', ''))).toMatchObject({ status: 200, body: { tagName } });
    const left = await call('POST', '/subscriptions?action=delete', { deviceId, tagNames: ['news', 'Push.ALL'] });
    expect(left.status).toBe(200);
    expect(await subscribed(deviceId)).toEqual([]);
    expect((await call('DELETE', path)).status).toBe(204);
    expect((await call('DELETE', path)).status).toBe(404);
  });

  it('a device whose token moves to another id is not there any more', async () => {
    const body = { token: 'moving', platform: 'G' };
    for (const deviceId of ['old-phone', 'new-phone', 'new-phone'])
      expect((await api.app('POST', '/devices', { ...body, deviceId })).status).toBe(201);
    expect((await api.app('GET', '/devices/old-phone')).status).toBe(404);
    expect((await api.app('GET', '/devices/new-phone')).status).toBe(200);
  });

  async function subscribed(deviceId: string): Promise<string[]> {
    const { status, body } = await api.app<{ subscriptions: { tagName: string }[] }>(
      'GET',
      `/subscriptions?deviceId=${encodeURIComponent(deviceId)}`,
    );
    expect(status).toBe(200);
    return body.subscriptions.map((each) => each.tagName).toSorted();
  }
});
