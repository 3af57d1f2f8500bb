import { describe, expect, it } from 'vitest';
import type { Notification } from '../notification.js';
import { largestWebPushBody, topicOf, webPushBody, webPushHeaders } from './web-push.payload.js';

const NOW = 1_800_000_000_000;
const make = (over: Partial<Notification> = {}): Notification => ({
  messageId: 'fnDWK8bG',
  collapseId: 'order-17',
  alert: 'Grüße',
  expiresAt: NOW + 3_600_000,
  ...over,
});
const body = (notification: Notification, platform: string): unknown =>
  JSON.parse(webPushBody(notification, platform).toString('utf8'));

describe('webPushBody', () => {
  it('contains only the fields that the service worker needs, equal on every browser', () => {
    const bare = { nid: 'fnDWK8bG', alert: 'Grüße', payload: { tag: 'order-17', nid: 'fnDWK8bG' } };
    for (const platform of ['WEB_CHROME', 'WEB_FIREFOX', 'WEB_SAFARI', 'W'])
      expect(body(make(), platform)).toEqual(bare);
  });

  it('contains the settings of its browser only', () => {
    const notification = make({
      url: 'https://example.com',
      chromeWeb: { title: 'C', iconUrl: 'https://x/c.png', timeToLive: 5, payload: { a: 1 } },
      firefoxWeb: { title: 'F' },
      safariWeb: { title: 'S', body: 'B', urlArgs: ['1'], action: 'View' },
    });
    const common = { nid: 'fnDWK8bG', alert: 'Grüße', url: 'https://example.com' };
    const payload = { tag: 'order-17', nid: 'fnDWK8bG' };
    expect(body(notification, 'WEB_CHROME')).toEqual({
      ...common,
      title: 'C',
      iconUrl: 'https://x/c.png',
      payload: { ...payload, a: 1 },
    });
    expect(body(notification, 'WEB_FIREFOX')).toEqual({ ...common, title: 'F', payload });
    expect(body(notification, 'WEB_SAFARI')).toEqual({
      ...common,
      title: 'S',
      body: 'B',
      urlArgs: ['1'],
      action: 'View',
      payload,
    });
  });

  it.each([
    ["keeps the caller's tag and our id", { tag: 't', nid: 'x' }, { tag: 't', nid: 'fnDWK8bG' }],
    ['sends text unchanged', 'text', 'text'],
    ['leaves out empty text', '', { tag: 'order-17', nid: 'fnDWK8bG' }],
    ['leaves out null', null, { tag: 'order-17', nid: 'fnDWK8bG' }],
  ])('payload: %s', (_, payload, sent) => {
    expect(body(make({ chromeWeb: { payload } }), 'WEB_CHROME')).toMatchObject({ payload: sent });
  });

  it('is measured by its largest form', () => {
    const notification = make({ safariWeb: { body: 'x'.repeat(1_000) }, firefoxWeb: { title: 'x' } });
    expect(largestWebPushBody(notification)).toBe(webPushBody(notification, 'WEB_SAFARI').length);
  });
});

describe('webPushHeaders', () => {
  const header = (notification: Notification, name: string, platform = 'WEB_CHROME'): string | undefined =>
    new Map(webPushHeaders(notification, platform, NOW)).get(name);

  it('names encoding, urgency and topic', () => {
    expect(webPushHeaders(make(), 'WEB_CHROME', NOW)).toEqual([
      ['ttl', '3600'],
      ['urgency', 'high'],
      ['topic', topicOf('order-17')],
      ['content-encoding', 'aes128gcm'],
      ['content-type', 'application/octet-stream'],
    ]);
  });

  it.each([
    ["the caller's time", { timeToLive: 60 }, NOW + 3_600_000, '60'],
    ["until the message's end", { timeToLive: 7_200 }, NOW + 3_600_999, '3600'],
    ['four weeks at most', {}, Number.MAX_SAFE_INTEGER, '2419200'],
    ['now or never', { timeToLive: 0 }, NOW + 3_600_000, '0'],
    ['never negative', {}, NOW - 1, '0'],
  ])('ttl: %s', (_, chromeWeb, expiresAt, ttl) => {
    expect(header(make({ chromeWeb, expiresAt }), 'ttl')).toBe(ttl);
  });

  it('uses the time to live of its browser', () => {
    const notification = make({ chromeWeb: { timeToLive: 60 } });
    expect(header(notification, 'ttl', 'WEB_FIREFOX')).toBe('3600');
  });

  it('a topic is 32 characters of base64url, equal for equal ids', () => {
    // The first 24 bytes of SHA-256("abc"), FIPS 180-2: ba7816bf 8f01cfea 414140de 5dae2223 b00361a3 96177a9c.
    expect(topicOf('abc')).toBe(
      Buffer.from('ba7816bf8f01cfea414140de5dae2223b00361a396177a9c', 'hex').toString('base64url'),
    );
    expect(topicOf('ü'.repeat(30))).toMatch(/^[\w-]{32}$/);
  });
});
