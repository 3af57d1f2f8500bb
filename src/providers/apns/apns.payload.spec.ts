import { describe, expect, it } from 'vitest';
import type { ApnsSettings, Notification } from '../notification.js';
import { apnsBody, apnsId, apnsIdStart, buildApnsPayload } from './apns.payload.js';

const NOW = Date.parse('2026-11-23T10:00:00Z');
const HOUR_MS = 3_600_000;

function notification(apns?: ApnsSettings, rest: Partial<Notification> = {}): Notification {
  const base = { messageId: 'fnDWK8bG', collapseId: 'fnDWK8bG', alert: 'Grüße', expiresAt: NOW + HOUR_MS };
  return { ...base, ...(apns === undefined ? {} : { apns }), ...rest };
}

const body = (apns?: ApnsSettings, rest?: Partial<Notification>) =>
  JSON.parse(apnsBody(notification(apns, rest)).toString()) as Record<string, unknown>;
const aps = (apns: ApnsSettings) => body(apns).aps as Record<string, unknown>;
const headers = (apns?: ApnsSettings, rest?: Partial<Notification>) =>
  Object.fromEntries(buildApnsPayload(notification(apns, rest), 'com.example.app', NOW).headers);

describe('apnsBody', () => {
  it('contains only the alert and the message id if the caller set nothing', () => {
    expect(body()).toEqual({ aps: { alert: { body: 'Grüße' } }, payload: '{"nid":"fnDWK8bG"}' });
  });

  it('prefers interactiveCategory over its older name', () => {
    expect(aps({ interactiveCategory: 'new', category: 'old' }).category).toBe('new');
  });

  it('sets mutable-content so that the app fetches an attachment', () => {
    expect(body({ attachmentUrl: 'https://example.com/a.png' })).toMatchObject({
      aps: { alert: { body: 'Grüße' }, 'mutable-content': 1 },
      'attachment-url': 'https://example.com/a.png',
    });
  });

  it('MIXED keeps all fields and wakes the app', () => {
    expect(aps({ type: 'MIXED', badge: 2 })).toEqual({ alert: { body: 'Grüße' }, badge: 2, 'content-available': 1 });
  });

  it('SILENT drops the visible and audible fields and keeps the payload', () => {
    const shown = { badge: 2, sound: 's', category: 'c', title: 'T', attachmentUrl: 'https://example.com/a.png' };
    const silent = body({ type: 'SILENT', ...shown, payload: { a: 1 } });
    expect(silent).toEqual({ aps: { 'content-available': 1 }, payload: '{"a":1,"nid":"fnDWK8bG"}' });
  });

  it("contains the caller's payload and the url as JSON text, with our message id", () => {
    const { payload } = body({ payload: { nid: 'x', deep: { a: [1] } } }, { url: 'https://example.com' });
    expect(JSON.parse(payload as string)).toEqual({
      nid: 'fnDWK8bG',
      deep: { a: [1] },
      url: 'https://example.com',
    });
  });
});

describe('buildApnsPayload', () => {
  it('sends an alert at once, stores it until it expires, and lets its own repeat replace it', () => {
    expect(headers()).toEqual({
      'apns-topic': 'com.example.app',
      'apns-push-type': 'alert',
      'apns-priority': '10',
      'apns-expiration': String((NOW + HOUR_MS) / 1_000),
      'apns-collapse-id': 'fnDWK8bG',
    });
  });

  it('MIXED is an alert; SILENT is background with priority 5', () => {
    expect(headers({ type: 'MIXED' })).toMatchObject({ 'apns-push-type': 'alert', 'apns-priority': '10' });
    expect(headers({ type: 'SILENT' })).toMatchObject({ 'apns-push-type': 'background', 'apns-priority': '5' });
  });

  it.each([
    ['past', NOW - 1, '0'],
    ['now', NOW, '0'],
    ['in less than a second', NOW + 999, '0'],
    ['in a second', NOW + 1_000, String(NOW / 1_000 + 1)],
    ['in a year', NOW + 365 * 24 * HOUR_MS, String(NOW / 1_000 + 30 * 86_400)],
  ])('sets apns-expiration: %s', (_when, expiresAt, expected) => {
    expect(headers(undefined, { expiresAt })['apns-expiration']).toBe(expected);
  });

  it("uses the caller's collapse id, hashed if it does not fit", () => {
    const id = (apnsCollapseId: string): string | undefined => headers({ apnsCollapseId })['apns-collapse-id'];
    expect(id('score')).toBe('score');
    expect(id('x'.repeat(64))).toBe('x'.repeat(64));
    expect(id('x'.repeat(65))).toMatch(/^[\w-]{43}$/);
    expect(id('a\r\nb')).toMatch(/^[\w-]{43}$/);
    expect(id('größe')).toMatch(/^[\w-]{43}$/);
    expect(id('größe')).toBe(id('größe'));
    expect(id('größe')).not.toBe(id('grösse'));
  });
});

it('apnsId is a UUID of message and token', () => {
  const id = (messageId: string, token: string) => apnsId(apnsIdStart(messageId), token);
  const token = 'ab'.repeat(32);
  expect(id('fnDWK8bG', token)).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  expect(id('fnDWK8bG', token.toUpperCase())).toBe(id('fnDWK8bG', token));
  expect(id('fnDWK8bG', 'ab12')).toHaveLength(36);
  expect(id('fnDWK8bG', 'ab13')).not.toBe(id('fnDWK8bG', 'ab12'));
  expect(id('fnDWK8bH', 'ab12')).not.toBe(id('fnDWK8bG', 'ab12'));
});
