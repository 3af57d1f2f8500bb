import { createECDH, randomBytes } from 'node:crypto';
import { APPLICATION, HERE, TEXT, TIME, having, onePage, refused } from './row.js';
import type { Row } from './row.js';
import { expect } from 'vitest';

/**
 * The requests of the vendor's SDKs from the first start of an app to its removal, in order, with the statuses and
 * fields that the SDKs read (docs/protocol/mobilefirst.md §12). The scopes are those of the token that a backend or
 * proxy adds (docs/compatibility.md): MobileFirst's scope for mobile apps, `push.mobileclient`, is not in the REST
 * API's rows.
 */
type Flow = readonly Row[];

const SCOPE = 'push.mobileclient devices.read devices.write tags.read subscriptions.read subscriptions.write';
const TAGS = ['news', 'weather'];

/** The tags of the apps, and the sender id for Android. */
export const BEFORE: Flow = [
  ['POST …/tags', 'tags.write', 'weather', { body: { name: 'weather' } }, 201, having({ name: 'weather' })],
  ['PUT …/settings/gcmConf', 'gcmConf.write', 'a sender id', { body: { senderId: '123' } }, 200, having({})],
];

const WINDOWS = 'WIN-{5A1B}';
const windows = { path: { deviceId: WINDOWS } };
const CHANNEL = 'https://db5.notify.windows.com/?token=AwYAAAC%2fd';
const registered = { deviceId: WINDOWS, token: CHANNEL, platform: 'W' };
/** The plugin's own type is a long: without plus, a number in the JSON. */
const PHONE = 41_791_234_567;

export const WINDOWS_CORDOVA: Flow = [
  ['GET …/devices/:deviceId', SCOPE, 'asks for its registration', windows, 404, refused('FPWSE0001E')],
  // The plugin posts to the address with a slash.
  [
    'POST …/devices/',
    SCOPE,
    'registers',
    { body: { ...registered, phoneNumber: PHONE } },
    201,
    having({ ...registered, phoneNumber: `${PHONE}` }),
  ],
  [
    'GET …/devices/:deviceId',
    SCOPE,
    'asks for its registration',
    windows,
    200,
    having({ deviceId: WINDOWS, token: CHANNEL }),
  ],
  [
    'PUT …/devices/:deviceId',
    SCOPE,
    'has a new channel',
    { ...windows, body: { deviceId: WINDOWS, token: `${CHANNEL}2`, platform: 'W' } },
    200,
    having({ ...registered, token: `${CHANNEL}2`, phoneNumber: `${PHONE}` }),
  ],
  [
    'POST …/subscriptions',
    SCOPE,
    'subscribes',
    { body: { deviceId: WINDOWS, tagNames: TAGS } },
    207,
    having({ subscriptionExists: [] }),
  ],
  ['GET …/subscriptions', SCOPE, 'reads its tags', of(WINDOWS), 200, subscribed('news', 'weather', 'Push.ALL')],
  [
    'POST …/subscriptions',
    SCOPE,
    'leaves a tag',
    { query: 'action=delete', body: { deviceId: WINDOWS, tagNames: ['news'] } },
    200,
    having({ unsubscribed: ['news'] }),
  ],
  ['GET …/subscriptions', SCOPE, 'reads its tags', of(WINDOWS), 200, subscribed('weather', 'Push.ALL')],
  ['DELETE …/devices/:deviceId', SCOPE, 'unregisters', windows, 204],
  ['GET …/devices/:deviceId', SCOPE, 'asks for its registration', windows, 404, refused('FPWSE0001E')],
  ['GET …/subscriptions', SCOPE, 'reads its tags', of(WINDOWS), 200, subscribed()],
];

/** Safari without a user. */
export function webPush(platform: 'WEB_CHROME' | 'WEB_FIREFOX' | 'WEB_SAFARI'): Flow {
  const deviceId = `web-${platform}`;
  const path = { deviceId };
  const headers = {
    'x-requested-with': 'XMLHttpRequest',
    'x-wl-app-version': '1.0.0',
    'x-wl-platform-version': '8.0.0.00.2020-05-22T13:00:00Z',
    'x-wl-analytics-tracking-id': 'a1b2',
    'x-mfp-analytics-metadata': '{"deviceOS":"web"}',
  };
  const token = JSON.stringify({
    endpoint: `https://push.example.com/send/${platform}`,
    userPublicKey: createECDH('prime256v1').generateKeys('base64url'),
    userAuth: randomBytes(16).toString('base64url'),
  });
  const user = platform === 'WEB_SAFARI' ? {} : { userId: 'anna' };
  const device = having({ deviceId, token, userId: 'anonymous', ...user });
  // The scope that the SDK requests; both lists that it reads require their elements.
  const own = 'push.mobileclient devices.read devices.write subscriptions.write';
  return [
    ['GET …/devices/:deviceId', own, 'asks for its registration', { path, headers }, 404, refused('FPWSE0001E')],
    ['POST …/devices', own, 'registers', { headers, body: { deviceId, platform, ...user, token } }, 201, device],
    ['GET …/devices/:deviceId', own, 'asks for its registration', { path, headers }, 200, device],
    [
      'PUT …/devices/:deviceId',
      own,
      'registers again',
      { path, headers, body: { deviceId, platform, ...user, token } },
      200,
      device,
    ],
    ['GET …/tags', SCOPE, 'reads the tags', { headers }, 200, having({ tags: TAGS.map((name) => having({ name })) })],
    [
      'POST …/subscriptions',
      own,
      'subscribes',
      { headers, body: { deviceId, tagName: 'news' } },
      201,
      having({ tagName: 'news' }),
    ],
    ['GET …/subscriptions', SCOPE, 'reads its tags', { headers, ...of(deviceId) }, 200, subscribed('news', 'Push.ALL')],
    ['DELETE …/subscriptions', own, 'leaves', { headers, query: `deviceId=${deviceId}&tagName=news` }, 204],
    ['GET …/subscriptions', SCOPE, 'reads its tags', { headers, ...of(deviceId) }, 200, subscribed('Push.ALL')],
    ['DELETE …/devices/:deviceId', own, 'unregisters', { path, headers }, 204],
  ];
}

const TOKENS = { G: ['first-G', 'second-G'], A: ['AB01'.repeat(16), 'AB02'.repeat(16)] } as const;

/** Swift with a user from the first start, Android without one. */
export function bluemix(platform: 'G' | 'A'): Flow {
  const deviceId = `0c9d4a52-${platform}`;
  const path = { deviceId };
  // Old callers name their mode; the secret belongs to the cloud, and Carillon ignores it.
  const headers = {
    clientSecret: 'a1b2-c3d4',
    'application-mode': 'SANDBOX',
    'x-rewrite-domain': 'mybluemix.net',
    'accept-language': 'de',
  };
  const user = platform === 'A' ? { userId: 'anna' } : {};
  const body = { deviceId, token: TOKENS[platform][0], platform, ...user, variables: { city: 'Bern' } };
  const first = { deviceId, platform, token: TOKENS[platform][0], userId: 'anonymous', ...user };
  const documented = {
    phoneNumber: '',
    userAgent: '',
    createdMode: 'API',
    createdTime: TIME,
    lastUpdatedTime: TIME,
    lastSeenTime: TIME,
    state: 'active',
  };
  const second = { token: TOKENS[platform][1], userId: 'ben' };
  const tagNames = ['news', 'Push.ALL', 'nothing'];
  return [
    [
      'GET …/settings/gcmConfPublic',
      'gcmConfPublic.read',
      'reads the sender id',
      { headers },
      200,
      { senderId: '123' },
    ],
    ['GET …/devices/:deviceId', SCOPE, 'asks for its registration', { path, headers }, 404, refused('FPWSE0001E')],
    [
      'POST …/devices',
      SCOPE,
      'registers',
      { headers, body },
      201,
      { ...first, ...documented, href: `${HERE}/devices/${deviceId}` },
    ],
    // At the next start the SDK compares, and puts the differences.
    ['GET …/devices/:deviceId', SCOPE, 'compares its registration', { path, headers }, 200, having(first)],
    [
      'PUT …/devices/:deviceId',
      SCOPE,
      'another user',
      { path, headers, body: { ...body, ...second } },
      200,
      having(second),
    ],
    [
      'PUT …/devices/:deviceId',
      SCOPE,
      'signed out',
      { path, headers, body: { ...body, ...second, userId: 'anonymous' } },
      200,
      having({ ...second, userId: 'anonymous' }),
    ],
    ['GET …/tags', SCOPE, 'reads the tags', { headers }, 200, having({ tags: TAGS.map((name) => having({ name })) })],
    [
      'POST …/subscriptions',
      SCOPE,
      'subscribes',
      { headers, body: { deviceId, tagNames } },
      207,
      {
        tagsNotFound: { tags: ['nothing'], code: 'FPWSE0001E', message: TEXT },
        subscriptionExists: ['Push.ALL'],
        subscribed: [
          { tagName: 'news', deviceId, subscriptionId: TEXT, href: expect.stringContaining(APPLICATION) as string },
        ],
      },
    ],
    ['GET …/subscriptions', SCOPE, 'reads its tags', { headers, ...of(deviceId) }, 200, subscribed('news', 'Push.ALL')],
    [
      'POST …/subscriptions',
      SCOPE,
      'leaves',
      { headers, query: 'action=delete', body: { deviceId, tagNames } },
      200,
      having({ unsubscribed: ['news', 'Push.ALL'] }),
    ],
    ['GET …/subscriptions', SCOPE, 'reads its tags', { headers, ...of(deviceId) }, 200, subscribed()],
    ['DELETE …/devices/:deviceId', SCOPE, 'unregisters', { path, headers }, 204],
    ['DELETE …/devices/:deviceId', SCOPE, 'again', { path, headers }, 404, refused('FPWSE0001E')],
  ];
}

function of(deviceId: string): { query: string } {
  return { query: `deviceId=${encodeURIComponent(deviceId)}` };
}

function subscribed(...tagNames: string[]): object {
  return { subscriptions: tagNames.map((tagName) => having({ tagName })), pageInfo: onePage(tagNames.length) };
}
