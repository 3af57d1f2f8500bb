import fc from 'fast-check';
import { expect, it } from 'vitest';
import { apnsBody } from '../apns/apns.payload.js';
import { BodyTemplate, tooLarge } from './body-template.js';
import { buildFcmBody } from '../fcm/fcm.payload.js';
import type { Notification } from '../notification.js';
import { RECEIPT_TOKEN, fillNotification, findPlaceholders } from '../placeholders.js';
import type { Values } from '../placeholders.js';
import { webPushBody } from '../web-push/web-push.payload.js';
import { buildWnsRequests } from '../wns/wns.payload.js';

const NOW = Date.parse('2026-11-25T10:00:00Z');

function notificationOf(text: string): Notification {
  const given = {
    messageId: 'fnDWK8bG',
    collapseId: 'fnDWK8bG',
    expiresAt: NOW + 3_600_000,
    alert: text,
    url: text,
    apns: { title: text, locArgs: ['a', text], payload: { deep: { text }, list: [text] } },
    gcm: { androidTitle: text, payload: { text }, style: { type: 'inbox_notification', lines: [text] } },
    wns: {
      badge: { value: 1 },
      raw: { payload: { text } },
      tile: { visual: { binding: { template: 'TileMedium', text: [{ content: text }] } } },
      toast: {},
    },
    chromeWeb: { title: text, payload: { text } },
    safariWeb: { urlArgs: [text] },
  };
  return { ...given, placeholders: findPlaceholders(given) };
}

/** The body from the template, and the body of texts that were filled in first. */
const WIRES: Record<
  string,
  { filled: (n: Notification, values: Values) => Buffer; built: (n: Notification) => Buffer }
> = {
  apns: { filled: (n, values) => BodyTemplate.of(n, apnsBody)!.fill(values), built: apnsBody },
  fcm: {
    filled: (n, values) => buildFcmBody(n, NOW).for('token', values),
    built: (n) => buildFcmBody({ ...n, placeholders: undefined }, NOW).for('token'),
  },
  ...Object.fromEntries(
    ['WEB_CHROME', 'WEB_SAFARI'].map((platform) => [
      platform,
      {
        filled: (n: Notification, values: Values) =>
          BodyTemplate.of(n, (each) => webPushBody(each, platform))!.fill(values),
        built: (n: Notification) => webPushBody(n, platform),
      },
    ]),
  ),
  ...Object.fromEntries(
    ['badge', 'tile', 'raw', 'toast'].map((kind, index) => [
      `wns ${kind}`,
      {
        filled: (n: Notification, values: Values) => buildWnsRequests(n, NOW)[index]!.fill!(values),
        built: (n: Notification) => buildWnsRequests(n, NOW)[index]!.body,
      },
    ]),
  ),
};

const text = fc.string({ unit: 'binary', maxLength: 12 });
const hard = fc.constantFrom(
  '"',
  '\\',
  '\\"',
  "<a b='c'>&amp;",
  '\n\t\r',
  '\u2028',
  '😀',
  '\ufdd0',
  '\ufdd00"\ufdd1',
  '{{name}}',
  '',
);

it.each(Object.keys(WIRES))('%s: filling the template gives the same body as filling the texts first', (wire) => {
  const { filled, built } = WIRES[wire]!;
  fc.assert(
    fc.property(fc.oneof(text, hard), fc.oneof(text, hard), fc.oneof(text, hard), (before, value, other) => {
      const notification = notificationOf(`${before.replaceAll(/[{}\ufdd0\ufdd1]/g, '')}{{name}} {{other|"d"}}`);
      const values: Record<string, string> = { name: value, ...(other.length % 2 === 0 ? {} : { other }) };
      expect(filled(notification, values).toString()).toBe(built(fillNotification(notification, values)).toString());
    }),
    { numRuns: 200 },
  );
});

it('a notification without placeholders has no template', () => {
  expect(BodyTemplate.of({ messageId: 'm', collapseId: 'm', expiresAt: 0, alert: '{{' }, apnsBody)).toBeNull();
});

it('the verdict names the size and repeats nothing of the body', () => {
  expect(tooLarge(5_000, 4_096)).toEqual({
    action: 'fail',
    reason: 'the message is 5000 bytes, the provider takes 4096',
  });
});

it('each body has the receipt token beside the message id, and the texts stay as they are', () => {
  const { placeholders: _none, ...plain } = notificationOf('a \\{{ b');
  const notification = { ...plain, receiptToken: 'x'.repeat(32) };
  const values = { [RECEIPT_TOKEN]: 'one-token' };
  const fill = (build: (each: Notification) => Buffer): string =>
    BodyTemplate.of(notification, build)!.fill(values).toString();
  const { payload } = JSON.parse(fill(apnsBody)) as { payload: string };
  expect(JSON.parse(payload)).toMatchObject({ nid: 'fnDWK8bG', receiptToken: 'one-token', deep: { text: 'a \\{{ b' } });
  const fcm = JSON.parse(buildFcmBody(notification, NOW).for('token', values).toString()) as {
    message: { data: Record<string, string> };
  };
  expect(fcm.message.data).toMatchObject({ nid: 'fnDWK8bG', alert: 'a \\{{ b', receiptToken: 'one-token' });
  const web = JSON.parse(fill((each) => webPushBody(each, 'WEB_CHROME'))) as object;
  expect(web).toMatchObject({ nid: 'fnDWK8bG', receiptToken: 'one-token' });
  const toast = buildWnsRequests(notification, NOW).at(-1)!.fill!(values).toString();
  expect(toast).toContain('&quot;receiptToken&quot;:&quot;one-token&quot;');
});
