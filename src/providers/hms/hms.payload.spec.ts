import { describe, expect, it } from 'vitest';
import type { Notification } from '../notification.js';
import { buildAndroidBody, buildHarmonyBody, type HmsUrgency } from './hms.payload.js';

const NOW = Date.parse('2026-11-23T10:00:00Z');
const base: Notification = { messageId: 'fnDWK8bG', collapseId: 'fnDWK8bG', alert: 'Hi', expiresAt: NOW + 60_500 };
const android = (change: Partial<Notification> = {}, urgency?: HmsUrgency) =>
  JSON.parse(
    buildAndroidBody({ ...base, ...change }, NOW, urgency)
      .for(['t1', 't"2'])
      .toString(),
  ) as {
    message: { android: Record<string, unknown> } & Record<string, unknown>;
  };
const harmony = (change: Partial<Notification> = {}) => buildHarmonyBody({ ...base, ...change }, NOW);

describe('buildAndroidBody', () => {
  it('is a notification that opens the app', () => {
    const data = '{"nid":"fnDWK8bG","alert":"Hi","url":"https://x","payload":{"a":1,"nid":"fnDWK8bG"}}';
    expect(android({ url: 'https://x', gcm: { payload: { a: 1, nid: 'mine' } } })).toEqual({
      validate_only: false,
      message: {
        notification: { title: 'Hi', body: 'Hi' },
        android: {
          collapse_key: -1,
          urgency: 'HIGH',
          ttl: '60s',
          notification: { click_action: { type: 3 }, tag: 'fnDWK8bG' },
        },
        data,
        token: ['t1', 't"2'],
      },
    });
  });

  it('limits the lines and leaves out a picture that Push Kit would refuse', () => {
    const lines = ['1', '2', '3', '4', '5', '6'];
    const shown = (style: object) => android({ gcm: { style } }).message.android.notification;
    const usual = { click_action: { type: 3 }, tag: 'fnDWK8bG' };
    expect(shown({ type: 'inbox_notification', lines })).toEqual({
      ...usual,
      style: 3,
      inbox_content: lines.slice(0, 5),
    });
    expect(shown({ type: 'inbox_notification', lines: [] })).toEqual(usual);
    expect(shown({ type: 'bigtext_notification', title: 'T' })).toEqual(usual);
    expect(shown({ type: 'picture_notification', url: 'http://example.com/p.png' })).toEqual(usual);
  });

  it('a silent message contains data only and normal urgency', () => {
    const { message } = android({ gcm: { type: 'SILENT' } });
    expect(Object.keys(message)).toEqual(['android', 'data', 'token']);
    expect(message.android).toEqual({ collapse_key: -1, urgency: 'NORMAL', ttl: '60s' });
  });

  it.each([
    [{}, undefined, 'HIGH'],
    [{ priority: 'HIGH' }, undefined, 'HIGH'],
    [{ priority: 'low' }, undefined, 'NORMAL'],
    [{ sync: true, priority: 'max' }, undefined, 'NORMAL'],
    [{ priority: 'max' }, 'NORMAL', 'NORMAL'],
  ] as const)('urgency of %j with the override %s: %s', (gcm, urgency, expected) => {
    expect(android({ gcm }, urgency).message.android.urgency).toBe(expected);
  });

  it.each<[string, Partial<Notification>, string]>([
    ['15 days at most', { expiresAt: NOW + 1e12 }, '1296000s'],
    ["the caller's shorter time", { gcm: { timeToLive: 30 } }, '30s'],
    ["never longer than the message's life", { gcm: { timeToLive: 90 } }, '60s'],
    ['now or never', { expiresAt: NOW - 5 }, '1s'],
  ])('ttl: %s', (_what, change, ttl) => {
    expect(android(change).message.android.ttl).toBe(ttl);
  });

  it('fills a missing title with 40 characters of the alert and never splits a character', () => {
    const { notification } = android({ alert: '👩‍👩‍👧'.repeat(45) }).message;
    expect(notification).toMatchObject({ title: '👩‍👩‍👧'.repeat(40) });
  });

  it('counts bytes without the tokens', () => {
    const body = buildAndroidBody({ ...base, alert: 'ü' }, NOW);
    expect(body.bytes).toBe(body.for([]).length);
    expect(body.for(['abc', 'd']).length).toBe(body.bytes + '"abc","d"'.length);
  });
});

describe('buildHarmonyBody', () => {
  it('is an alert that opens the app and replaces its repeat', () => {
    const body = harmony();
    expect(body.headers).toEqual({ 'push-type': '0' });
    expect(JSON.parse(body.for(['t1']).toString())).toEqual({
      payload: {
        notification: {
          category: 'MARKETING',
          title: 'Hi',
          body: 'Hi',
          clickAction: {
            actionType: 0,
            data: { data: '{"nid":"fnDWK8bG","alert":"Hi","payload":{"nid":"fnDWK8bG"}}' },
          },
          notifyId: expect.toSatisfy((id: number) => Number.isInteger(id) && id >= 0 && id < 2 ** 31),
        },
      },
      pushOptions: { ttl: 60 },
      target: { token: ['t1'] },
    });
    expect(harmony().for([])).toEqual(body.for([]));
    expect(harmony({ collapseId: 'other' }).for([])).not.toEqual(body.for([]));
  });

  it('a silent message has the push type background', () => {
    const body = harmony({ gcm: { type: 'SILENT' } });
    expect(body.headers).toEqual({ 'push-type': '6' });
    expect(JSON.parse(body.for([]).toString())).toMatchObject({
      payload: { extraData: expect.stringContaining('fnDWK8bG') as string },
    });
  });
});
