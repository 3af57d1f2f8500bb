import { HERE, TIME, having, onePage, refused, wrong } from './row.js';
import type { Request, Row } from './row.js';

const read = 'devices.read';
const write = 'devices.write';
const none = { path: { deviceId: 'none' } };
const device = { deviceId: 'x', platform: 'A', token: 't' };
const phone = { deviceId: 'phone', platform: 'A', token: 'sandbox:accepted:phone', userId: 'ann' };
const desk = { deviceId: 'desk', platform: 'W', token: 'sandbox:accepted:desk' };
const profile = {
  language: 'DE-ch',
  timeZone: 'Europe/Zurich',
  appVersion: '7.1',
  attributes: { plan: 'gold', n: 3, on: true },
};
const kept = { ...profile, language: 'de-CH' };
const profiled = { deviceId: 'profiled', platform: 'G', token: 'sandbox:accepted:profiled' };
const PROFILED = { path: { deviceId: 'profiled' } };

/** The fault, the change to a valid device, the expected reason. */
const WRONG: readonly (readonly [what: string, change: Record<string, unknown>, says: RegExp])[] = [
  ['a token that is a list', { token: ['t'] }, /'token'/],
  ['an empty token', { token: '' }, /'token'.*1 to 4096/],
  ['a token of 4,097 characters', { token: 'x'.repeat(4_097) }, /'token'.*4096/],
  ['an unknown platform', { platform: 'Z' }, /'platform'.*one of A, G/],
  ['a platform in another case', { platform: 'a' }, /'platform'.*one of A, G/],
  ['a platform that is a number', { platform: 1 }, /'platform'/],
  ['a web token that is not a subscription', { platform: 'WEB_CHROME', token: 'x' }, /'token'.*push subscription/],
  ['a user id that is a number', { userId: 7 }, /'userId'.*string/],
  ['a user id of 255 characters', { userId: 'u'.repeat(255) }, /'userId'.*254/],
  ['a phone number that is a fraction', { phoneNumber: 4.1 }, /'phoneNumber'.*whole number/],
  ['a phone number below zero', { phoneNumber: -41 }, /'phoneNumber'.*whole number/],
  ['a phone number that is a list', { phoneNumber: ['41'] }, /'phoneNumber'/],
  ['a token of APNs in brackets', { platform: 'A', token: '<ab12>' }, /'token'.*hexadecimal/],
  ['a token that is blank', { token: ' \n' }, /'token'.*blank/],
  ['a device id that is a dot segment', { deviceId: '..' }, /'deviceId'.*path/],
  ['a user id that is a dot segment', { userId: '.' }, /'userId'.*path/],
  ['a language with an underscore', { language: 'de_CH' }, /'language'.*BCP 47/],
  ['a language that is an object', { language: { toString: 'de' } }, /'language'.*BCP 47/],
  ['a language without end', { language: `de-${'a-'.repeat(5_000)}b` }, /'language'.*BCP 47/],
  ['a time zone that is an offset', { timeZone: '+02:00' }, /'timeZone'.*IANA/],
  ['an unknown time zone', { timeZone: 'Europe/Atlantis' }, /'timeZone'.*IANA/],
  ['a time zone that is a list', { timeZone: ['Europe/Zurich'] }, /'timeZone'.*IANA/],
  ['a version that is a number', { appVersion: 7 }, /'appVersion'/],
  ['attributes that are a list', { attributes: [] }, /'attributes'.*object/],
  ['attributes that are text', { attributes: 'plan=gold' }, /'attributes'.*object/],
  ['attributes in attributes', { attributes: { a: { b: 1 } } }, /'attributes'.*text, a number or a boolean/],
  ['an attribute that is null', { attributes: { a: null } }, /'attributes'.*text, a number/],
  ['65 attributes', { attributes: Object.fromEntries([...Array(65).keys()].map((n) => [`a${n}`, n])) }, /64/],
  ['an attribute’s name of 65 characters', { attributes: { ['n'.repeat(65)]: 1 } }, /1 to 64/],
  ['an attribute without a name', { attributes: { '': 1 } }, /1 to 64/],
  ['an attribute of 1,025 characters', { attributes: { a: 'x'.repeat(1_025) } }, /1024/],
  [
    '5 KB of attributes',
    { attributes: { a: 'x'.repeat(1_024), b: 'é'.repeat(1_024), c: 'é'.repeat(1_024) } },
    /4096 bytes/,
  ],
];
const WRONG_IDS: readonly (readonly [what: string, id: unknown, says: RegExp])[] = [
  ['a device id that is a number', 7, /'deviceId'.*string/],
  ['no device id', undefined, /'deviceId'/],
  ['an empty device id', '', /'deviceId'.*1 to 255/],
  ['a device id of 256 characters', 'x'.repeat(256), /'deviceId'.*1 to 255/],
];

export const DEVICES: readonly Row[] = [
  ['GET …/devices/:deviceId', read, 'a device that is not registered', {}, 404, refused('FPWSE0001E', /deviceId/)],
  ['POST …/devices', write, 'a user’s', { body: phone }, 201, answer(phone)],
  ['POST …/devices', write, 'nobody’s', { body: { ...desk, platform: 'M', userId: null } }, 201, answer(desk)],
  ['POST …/devices', write, 'again', { body: { ...desk, userId: 'anonymous', colour: 'red' } }, 201, answer(desk)],
  [
    'DELETE …',
    'apps.write',
    'an application with devices',
    {},
    409,
    refused('CARIL0409E', /2 devices.*devices=delete/),
  ],
  ['GET …/devices/:deviceId', read, 'a user’s', {}, 200, answer(phone)],
  ['GET …/devices/:deviceId', read, 'nobody’s', { path: { deviceId: 'desk' } }, 200, answer(desk)],
  [
    'PUT …/devices/:deviceId',
    write,
    'a phone number',
    { body: { phoneNumber: '+41' } },
    200,
    answer({ ...phone, phoneNumber: '+41' }),
  ],
  [
    'PUT …/devices/:deviceId',
    write,
    'signed out',
    { body: { deviceId: 'phone', userId: '' } },
    200,
    answer({ ...phone, phoneNumber: '+41', userId: 'anonymous' }),
  ],
  ['PUT …/devices/:deviceId', write, 'signed in', { body: { userId: 'ann', phoneNumber: '' } }, 200, answer(phone)],
  [
    'PUT …/devices/:deviceId',
    write,
    'a device that is not registered',
    { ...none, body: { token: 't' } },
    404,
    refused('FPWSE0001E', /deviceId/),
  ],
  [
    'PUT …/devices/:deviceId',
    write,
    'an id that differs from the path',
    { body: { deviceId: 'desk', userId: 'eve' } },
    400,
    wrong(/'deviceId'/),
  ],

  // A registration without the profile, like an SDK’s, keeps it; null in a PUT removes it.
  [
    'POST …/devices',
    write,
    'with a profile',
    { body: { ...profiled, ...profile } },
    201,
    { ...answer(profiled), ...kept },
  ],
  ['POST …/devices', write, 'again, without a profile', { body: profiled }, 201, { ...answer(profiled), ...kept }],
  [
    'PUT …/devices/:deviceId',
    write,
    'a part of the profile',
    { ...PROFILED, body: { language: null, timeZone: null, attributes: { plan: 'free' } } },
    200,
    { ...answer(profiled), appVersion: '7.1', attributes: { plan: 'free' } },
  ],
  [
    'PUT …/devices/:deviceId',
    write,
    'no profile',
    { ...PROFILED, body: { appVersion: null, attributes: null } },
    200,
    answer(profiled),
  ],

  // A token belongs to one device: it moves, and its earlier registration ends.
  [
    'POST …/devices',
    write,
    'a token of another device',
    { body: { ...profiled, deviceId: 'moved' } },
    201,
    answer({ ...profiled, deviceId: 'moved' }),
  ],
  ['GET …/devices/:deviceId', read, 'a device whose token has moved', PROFILED, 404, refused('FPWSE0001E')],
  ['DELETE …/devices/:deviceId', write, 'one', { path: { deviceId: 'moved' } }, 204],
  [
    'DELETE …/devices/:deviceId',
    write,
    'again',
    { path: { deviceId: 'moved' } },
    404,
    refused('FPWSE0001E', /deviceId/),
  ],

  ...WRONG_IDS.map(([what, deviceId, says]): Row => [
    'POST …/devices',
    write,
    what,
    { body: { ...device, deviceId } },
    400,
    wrong(says),
  ]),
  ['POST …/devices', write, 'no token', { body: { ...device, token: undefined } }, 400, wrong(/'token'/)],
  ['POST …/devices', write, 'no platform', { body: { ...device, platform: undefined } }, 400, wrong(/'platform'/)],
  ['POST …/devices', write, 'a list', { body: [device] }, 400, refused('FPWSE0004E')],
  ...WRONG.flatMap(([what, change, says]): Row[] => [
    ['POST …/devices', write, what, { body: { ...device, ...change } }, 400, wrong(says)],
    // With valid fields beside it: none is stored.
    [
      'PUT …/devices/:deviceId',
      write,
      what,
      { body: { phoneNumber: '1', platform: 'A', ...change } },
      400,
      wrong(says),
    ],
  ]),
  [
    'POST …/devices',
    write,
    'a very large number',
    { body: '{"deviceId":"x","platform":"A","token":"t","attributes":{"a":1e999}}' },
    400,
    wrong(/'attributes'/),
  ],

  // Nothing of that was stored.
  ['GET …/devices', read, 'all', {}, 200, { devices: [answer(phone), answer(desk)], pageInfo: onePage(2) }],
  [
    'GET …/devices',
    read,
    'short items',
    { query: 'expand=false&filter=' },
    200,
    { devices: [short('phone', 'ann'), short('desk', 'anonymous')], pageInfo: onePage(2) },
  ],
  ['GET …/devices', read, 'of a user and platform', only('userId=ann&filter=platform==A'), 200, list(phone)],
  ['GET …/devices', read, 'of two platforms', only('filter=platform==W,platform==G'), 200, list(desk)],
  ['GET …/devices', read, 'without a user', only('userId=anonymous'), 200, list(desk)],
  ['GET …/devices', read, 'of a hostile user', only("userId='%20or%201=1--"), 200, list()],
  ['GET …/devices', read, 'with unknown parameters', only('colour=red&size=1000000&userId=ann'), 200, list(phone)],
  [
    'GET …/devices',
    read,
    'a page',
    only('size=1&expand=false'),
    200,
    having({ devices: [short('phone', 'ann')], pageInfo: having({ count: '1', totalCount: '2', previous: '' }) }),
  ],
  ['GET …/devices', read, 'far beyond the last page', only('offset=1000000'), 200, having({ devices: [] })],
  ...[
    ['offset=-1', 'FPWSE1079E'],
    ['offset=1e9', 'FPWSE1079E'],
    ['size=0', 'FPWSE1080E'],
    ['expand=maybe', 'FPWSE0005E'],
    ['userId=a&userId=b', 'FPWSE0005E'],
    ['filter=platform', 'FPWSE0005E'],
    ['filter=platform=@A', 'FPWSE0005E'],
    ['filter=token==a', 'FPWSE0005E'],
    ['cursor=x', 'FPWSE0005E'],
    ...['["after",1,0,"1 or true"]', '["after",1,5,1]', '["after",1,-1,1]', '["after",1,0.5,1]', '['.repeat(6_000)].map(
      (cursor) => [`cursor=${Buffer.from(cursor).toString('base64url')}`, 'FPWSE0005E'],
    ),
  ].map(([query = '', code = '']): Row => [
    'GET …/devices',
    read,
    `?${query.slice(0, 50)}`,
    { query },
    400,
    refused(code),
  ]),
];

function answer(device: {
  deviceId: string;
  platform: string;
  token: string;
  userId?: string;
  phoneNumber?: string;
}): object {
  const times = { createdMode: 'API', createdTime: TIME, lastUpdatedTime: TIME, lastSeenTime: TIME };
  return {
    userId: 'anonymous',
    phoneNumber: '',
    userAgent: '',
    ...device,
    ...times,
    state: 'active',
    href: `${HERE}/devices/${device.deviceId}`,
  };
}

function short(deviceId: string, userId: string): object {
  return { deviceId, userId, href: `${HERE}/devices/${deviceId}` };
}

function only(query: string): Request {
  return { query };
}

function list(...devices: Parameters<typeof answer>[0][]): object {
  return { devices: devices.map(answer), pageInfo: onePage(devices.length) };
}
