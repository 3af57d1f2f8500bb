import { describe, expect, it } from 'vitest';
import type { GcmSettings, Notification } from '../notification.js';
import { buildFcmBody } from './fcm.payload.js';

const NOW = Date.parse('2026-11-23T10:00:00Z');
const HOUR_MS = 3_600_000;

interface Message {
  token: string;
  data: Record<string, string>;
  android: Record<string, unknown> & { notification?: Record<string, unknown> };
}

function message(gcm?: GcmSettings, rest: Partial<Notification> = {}): Message {
  const base = { messageId: 'fnDWK8bG', collapseId: 'collapse', alert: 'Grüße', expiresAt: NOW + HOUR_MS };
  const body = buildFcmBody({ ...base, ...(gcm === undefined ? {} : { gcm }), ...rest }, NOW);
  return (JSON.parse(body.for('tok:en-1').toString()) as { message: Message }).message;
}

const shown = (gcm: GcmSettings) => message(gcm).android.notification;

describe('buildFcmBody', () => {
  it('is a visible message of high priority if the caller set nothing', () => {
    expect(message()).toEqual({
      android: {
        collapse_key: 'collapse',
        priority: 'HIGH',
        ttl: '3600s',
        notification: { body: 'Grüße', tag: 'collapse' },
      },
      data: { nid: 'fnDWK8bG', alert: 'Grüße', payload: '{"nid":"fnDWK8bG"}' },
      token: 'tok:en-1',
    });
  });

  it.each<[GcmSettings, Record<string, unknown>]>([
    [{ androidTitle: 'T' }, { title: 'T' }],
    [{ icon: 'bell' }, { icon: 'bell' }],
    [{ sound: 'ping' }, { sound: 'ping' }],
    [{ channelId: 'news' }, { channel_id: 'news' }],
    [{ bridge: false }, { local_only: true }],
    [{ bridge: true }, {}],
    [{ priority: 'Max' }, { notification_priority: 'PRIORITY_MAX' }],
    [{ priority: 'min' }, { notification_priority: 'PRIORITY_MIN' }],
    [{ priority: 'urgent' }, {}],
    [{ visibility: 'PUBLIC' }, { visibility: 'PUBLIC' }],
    [{ visibility: 'secret' }, { visibility: 'SECRET' }],
    [{ visibility: 'all' }, {}],
    [{ style: { type: 'picture_notification', url: 'https://e.com/p' } }, { image: 'https://e.com/p' }],
    [{ style: { notification_type: 'PICTURE_NOTIFICATION', url: 'https://e.com/p' } }, { image: 'https://e.com/p' }],
    [{ style: { type: 'INBOX_NOTIFICATION', url: 'https://e.com/p' } }, {}],
    [{ lights: { ledOnMs: 5 } }, {}],
    [{ lights: { ledArgb: 'constructor' } }, {}],
    [
      { lights: { ledArgb: 'RED', ledOnMs: 500, ledOffMs: '1500' } },
      {
        light_settings: {
          color: { red: 1, green: 0, blue: 0, alpha: 1 },
          light_on_duration: '0.5s',
          light_off_duration: '1.5s',
        },
      },
    ],
    [
      { lights: { ledArgb: '#0033FF00', ledOnMs: 'x' } },
      {
        light_settings: {
          color: { red: 0.2, green: 1, blue: 0, alpha: 0 },
          light_on_duration: '1s',
          light_off_duration: '1s',
        },
      },
    ],
  ])('maps the style %j to %j', (gcm, expected) => {
    expect(shown(gcm)).toEqual({ body: 'Grüße', tag: 'collapse', ...expected });
  });

  it.each<[GcmSettings, string]>([
    [{ priority: 'max' }, 'HIGH'],
    [{ priority: 'HIGH' }, 'HIGH'],
    [{ priority: 'default' }, 'NORMAL'],
    [{ priority: 'low' }, 'NORMAL'],
    [{ priority: 'min' }, 'NORMAL'],
    [{ type: 'SILENT' }, 'NORMAL'],
    [{ type: 'SILENT', priority: 'high' }, 'HIGH'],
    [{ sync: true, priority: 'high' }, 'NORMAL'],
    [{ sync: false }, 'HIGH'],
    [{ delayWhileIdle: true }, 'HIGH'],
  ])('sends %j with priority %s', (gcm, expected) => {
    expect(message(gcm).android.priority).toBe(expected);
  });

  it('a silent message has only the caller’s collapse key, because FCM stores four of them for an offline phone', () => {
    const key = (collapseId: string, gcm: object, rest: Partial<Notification> = {}) => {
      const silent = {
        messageId: 'own',
        collapseId,
        alert: '',
        expiresAt: NOW + HOUR_MS,
        gcm: { type: 'SILENT', ...gcm },
        ...rest,
      };
      const body = buildFcmBody(silent as Notification, NOW)
        .for('token')
        .toString();
      return (JSON.parse(body) as { message: { android: { collapse_key?: string } } }).message.android.collapse_key;
    };
    expect(key('own', {})).toBeUndefined();
    expect(key('own', { collapseKey: 'score' })).toBe('score');
    expect(key('given', {})).toBe('given');
    expect(key('first', {}, { collapseInherited: true })).toBeUndefined();
  });

  it("uses the caller's collapse key and its own tag, so that only a repeat replaces it on the screen", () => {
    const { android } = message({ collapseKey: 'score' });
    expect(android.collapse_key).toBe('score');
    expect(android.notification?.tag).toBe('collapse');
  });

  it.each([
    ['until the expiry', undefined, NOW + 90_999, '90s'],
    ['by the caller', 60, NOW + HOUR_MS, '60s'],
    ['until an earlier expiry', 7_200, NOW + HOUR_MS, '3600s'],
    ['of a "now or never" message', 0, NOW + HOUR_MS, '0s'],
    ['after the expiry', undefined, NOW - 5, '0s'],
    ["FCM's limit", 9_999_999, NOW + 365 * 24 * HOUR_MS, '2419200s'],
    ['a fraction, rounded down', 1.9, NOW + HOUR_MS, '1s'],
  ])('sets the time to live: %s', (_who, timeToLive, expiresAt, expected) => {
    expect(message(timeToLive === undefined ? {} : { timeToLive }, { expiresAt }).android.ttl).toBe(expected);
  });

  it('SILENT contains data only', () => {
    const silent = message({ type: 'SILENT', sound: 'ping' });
    expect(silent.android.notification).toBeUndefined();
    expect(silent.data).toMatchObject({ nid: 'fnDWK8bG', alert: 'Grüße', type: 'SILENT' });
  });

  it('writes data as texts under fixed names, whatever the caller sent', () => {
    const { data } = message(
      {
        payload: { from: 'x', 'google.a': 1, message_type: null, nid: 'x', deep: [{ a: true }] },
        redact: 'hidden',
        category: 'msg',
        interactiveCategory: 'yesno',
        groupId: 'g',
        bridge: false,
        sync: true,
        priority: 'LOW',
        lights: { ledArgb: 'red', ledOnMs: 1 },
        style: { notification_type: 'inbox_notification', lines: ['a', 'b'] },
      },
      { url: 'https://example.com' },
    );
    expect(data).toEqual({
      nid: 'fnDWK8bG',
      alert: 'Grüße',
      url: 'https://example.com',
      payload: '{"from":"x","google.a":1,"message_type":null,"nid":"fnDWK8bG","deep":[{"a":true}]}',
      redact: 'hidden',
      category: 'msg',
      interactiveCategory: 'yesno',
      groupId: 'g',
      bridge: 'false',
      sync: 'true',
      priority: 'low',
      lights: '{"ledArgb":"red","ledOnMs":1}',
      style: '{"lines":["a","b"],"type":"inbox_notification"}',
    });
    for (const name of Object.keys(data)) expect(name).not.toMatch(/^(from|message_type|google\.|gcm\.|notification)/);
  });
});

describe('FcmBody', () => {
  const { token: _token, ...rest } = message();
  const body = () =>
    buildFcmBody({ messageId: 'fnDWK8bG', collapseId: 'collapse', alert: 'Grüße', expiresAt: NOW + HOUR_MS }, NOW);

  it.each(['abc:APA91b-_x', 'a"b\\c', 'line\nbreak', 'ü\u{1f600}', '","topic":"all', ''])(
    'escapes the token %j',
    (token) => {
      expect(JSON.parse(body().for(token).toString())).toEqual({ message: { ...rest, token } });
    },
  );

  it('measures the body in bytes with a long token', () => {
    expect(body().largestBytes).toBe(body().for('').length + 256);
  });
});
