import { NOW } from './clock.js';
import { GONE, inData, land, row, type Landing, type Row } from './row.js';

const FOUR_WEEKS_S = 2_419_200;
const IN_A_MINUTE = new Date(NOW + 60_000).toISOString();

function epoch(afterNowS: number): string {
  return String(NOW / 1_000 + afterNowS);
}

function onWeb(fields: Record<string, unknown>): Landing {
  return { chrome: fields, firefox: fields, safari: fields };
}

/** A life of a minute, as each provider writes it. */
const A_MINUTE: Landing = {
  apns: { 'apns-expiration': epoch(60) },
  fcm: { 'android.ttl': '60s' },
  hms: { 'android.ttl': '60s' },
  harmony: { 'pushOptions.ttl': 60 },
  wns: { 'toast: x-wns-ttl': '60' },
  ...onWeb({ ttl: '60' }),
};

const NOW_OR_NEVER: Landing = {
  apns: { 'apns-expiration': '0' },
  fcm: { 'android.ttl': '0s' },
  hms: { 'android.ttl': '1s' },
  harmony: { 'pushOptions.ttl': 1 },
  wns: { 'toast: x-wns-ttl': GONE, 'toast: x-wns-cache-policy': 'no-cache' },
  ...onWeb({ ttl: '0' }),
};

/** The text of the notification at every place. */
function alert(text: string): Landing {
  return land(inData('alert', text), {
    apns: { 'aps.alert.body': text },
    fcm: { 'android.notification.body': text },
    // Push Kit requires a title; without one, it begins with the alert.
    hms: { 'notification.title': text, 'notification.body': text },
    harmony: { 'payload.notification.title': text, 'payload.notification.body': text },
    wns: { 'toast/visual/binding/text': text },
    ...onWeb({ alert: text }),
  });
}

const URL = 'https://example.com/?a=1&b=2';
const AUDIENCE = 'chooses the audience';

/** The message and its fields for all platforms. */
export const MESSAGE_ROWS: readonly Row[] = [
  row('message.alert', 'Grüße, 世界 😀 & <b>', alert('Grüße, 世界 😀 & <b>')),
  row(
    'message.url',
    URL,
    land(inData('url', URL), {
      apns: { 'payload > url': URL },
      wns: { 'toast/@launch > url': URL },
      ...onWeb({ url: URL }),
    }),
  ),
  row('notificationType', 1, 'must be 1, push; 3 is sent as push'),
  row('validate', true, 'ignored, named in `warnings`'),
  row('target.deviceIds', ['d1'], AUDIENCE),
  row('target.userIds', ['u1'], AUDIENCE),
  row('target.tagNames', ['news'], AUDIENCE),
  row('target.platforms', ['A', 'G', 'H', 'W', 'WEB_CHROME', 'WEB_FIREFOX', 'WEB_SAFARI'], AUDIENCE),
  row('settings.target', { userIds: ['u1'] }, AUDIENCE),
  row('settings.chromeAppExt', { title: 'T' }, 'ignored, named in `warnings`'),
  row('ttl', 60, A_MINUTE),
  row('ttl', 0, NOW_OR_NEVER),
  row('expiresAt', IN_A_MINUTE, A_MINUTE),
  // Other providers count from the moment of sending: four weeks, or the longest time that they store a message.
  row('sendAt', IN_A_MINUTE, { apns: { 'apns-expiration': epoch(60 + FOUR_WEEKS_S) } }),
  row('priority', 'normal', {
    apns: { 'apns-priority': '5' },
    fcm: { 'android.priority': 'NORMAL' },
    hms: { 'android.urgency': 'NORMAL' },
    wns: { 'toast: x-wns-priority': '2' },
    ...onWeb({ urgency: 'normal' }),
  }),
  // The other providers do this by default.
  row('priority', 'high', { wns: { 'toast: x-wns-priority': '1' } }),
  row('collapseId', 'score', {
    apns: { 'apns-collapse-id': 'score' },
    fcm: { 'android.collapse_key': 'score', 'android.notification.tag': 'score' },
    hms: { 'android.notification.tag': 'score' },
    // The first 31 bits of SHA-256("score"), and its first 24 bytes.
    harmony: { 'payload.notification.notifyId': 1_387_977_676 },
    wns: { 'toast: x-wns-tag': 'score' },
    ...onWeb({ topic: 'pXW3mGiiM22zeKyJy2x9kycrS7jnTRCW', 'payload.tag': 'score' }),
  }),
  row('onUnknown', 'hold', 'decides whether a delivery is repeated whose answer was lost'),
  row('label', 'advent', 'lists of messages can filter by it'),
  row('dryRun', true, 'nothing is sent'),
  row('data', { u1: { name: 'Ann "A" <&>' } }, alert('Hi Ann "A" <&>'), {
    message: { alert: 'Hi {{name|there}}' },
    target: { userIds: ['u1'] },
  }),
];
