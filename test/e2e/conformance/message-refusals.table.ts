import { having, refused, wrong } from './row.js';
import type { Row } from './row.js';

const hello = { message: { alert: 'Hello' } };
const ann = { target: { userIds: ['ann'] } };

/** Invalid messages: a change to a valid one, or a body as text, and the expected reason. */
const REFUSED: readonly (readonly [what: string, body: object | string, says: RegExp])[] = [
  ['no message', { message: undefined }, /'message'.*required/],
  ['a message that is not an object', { message: 'Hello' }, /'message'/],
  ['no alert', { message: {} }, /'message\.alert'.*required/],
  ['an alert that is not text', { message: { alert: 7 } }, /'message\.alert'.*string/],
  [
    'an alert over the provider’s limit',
    { message: { alert: 'x'.repeat(4_096) } },
    /'message\.alert'.*bytes at apns, the limit is 4096/,
  ],
  [
    'a payload over the provider’s limit',
    { settings: { gcm: { payload: { a: 'x'.repeat(5_000) } } }, target: { platforms: ['G'] } },
    /'settings\.gcm'.*bytes at fcm, the limit is 4096/,
  ],
  ['an unknown kind of target', { target: { segments: ['a'] } }, /'target\.segments'.*unknown member/],
  ['a phone number', { target: { phoneNumber: '+41' } }, /'target\.phoneNumber'/],
  [
    'two kinds at once',
    { target: { deviceIds: ['a'], userIds: ['b'] } },
    /'target'.*only one of deviceIds and userIds/,
  ],
  ['an empty target', { target: {} }, /'target'.*empty/],
  [
    'two targets',
    { target: { platforms: ['A'] }, settings: { target: { userIds: ['ann'] } } },
    /'settings\.target'.*'target' beside/,
  ],
  ['a null target', { target: null }, /'target'.*must be an object/],
  ['a target that is a list', { target: [] }, /'target'.*must be an object/],
  ['an empty target inside the settings', { settings: { target: {} } }, /'target'.*empty/],
  ...['deviceIds', 'userIds', 'tagNames', 'platforms'].map(
    (kind) => [`empty ${kind}`, { target: { [kind]: [] } }, new RegExp(`'target.${kind}'.*empty`)] as const,
  ),
  ...['deviceIds', 'userIds', 'tagNames'].map(
    (kind) => [`${kind} that are no list`, { target: { [kind]: 'a' } }, new RegExp(`'target.${kind}'.*list`)] as const,
  ),
  ['a device id that is not text', { target: { deviceIds: [7] } }, /'target\.deviceIds'.*string/],
  ['an unknown platform', { target: { platforms: ['X'] } }, /'target\.platforms'.*one of A, G/],
  ['SMS', { notificationType: 2 }, /'notificationType'.*SMS/],
  ['an empty alert', { message: { alert: '' } }, /'message\.alert'.*empty/],
  ...[
    'targets',
    'Target',
    'to',
    'audience',
    'userIds',
    'deviceIds',
    'tagNames',
    'platforms',
    'recipients',
    'tarket',
  ].map((name) => [`${name} in place of a target`, { [name]: ['ann'] }, new RegExp(`'${name}'.*'target'`)] as const),
  ['a target within the message', { message: { alert: 'x', target: {} } }, /'message\.target'.*'target'/],
  ['a negative time to live', { settings: { gcm: { timeToLive: -1 } } }, /'settings\.gcm\.timeToLive'.*at least 0/],
  ['data without user ids', { data: { u: {} } }, /'data'/],
  ['data that is not an object', { data: [], ...ann }, /'data'/],
  ['a prototype in the data', withData('{"__proto__":"x"}'), /data\.ann\.__proto__/],
  ['half a surrogate in the data', withData('{"n":"\\ud800"}'), /data\.ann\.n/],
  ['deeply nested data', withData(`{"n":${'['.repeat(20)}${']'.repeat(20)}}`), /data\.ann\.n/],
  ['an invalid time', { sendAt: 'tomorrow' }, /'sendAt'.*must be a time/],
  ['a number as time', { sendAt: 1_795_600_000 }, /'sendAt'.*string/],
  ['both kinds of end', { ttl: 1, expiresAt: '2036-01-01T00:00:00Z' }, /'expiresAt'.*only one/],
  ['an empty label', { label: '' }, /'label'/],
  ['an unknown priority', { priority: 10 }, /'priority'/],
  ['a dry run as text', { dryRun: 'true' }, /'dryRun'/],
];
const NOT_THERE: readonly (readonly [what: string, target: object, code: string, says: RegExp])[] = [
  ['an unknown tag', { tagNames: ['news', 'nothing'] }, 'FPWSE0001E', /target\.tagNames.*nothing/],
];

export const MESSAGE_REFUSALS: readonly Row[] = [
  ...REFUSED.map(([what, change, says]): Row => [
    'POST …/messages',
    'messages.write',
    what,
    { body: typeof change === 'string' ? change : { ...hello, ...change } },
    400,
    wrong(says),
  ]),
  ...NOT_THERE.map(([what, target, code, says]): Row => [
    'POST …/messages',
    'messages.write',
    what,
    { body: { ...hello, target } },
    404,
    refused(code, says),
  ]),
  [
    'POST …/messages',
    'messages.write',
    'users in the query',
    { query: 'userIds=ann', body: hello },
    400,
    refused('FPWSE0007E', /'userIds'.*'target'/),
  ],
  [
    'POST …/messages',
    'messages.write',
    'strict handling with an unknown field',
    { headers: { prefer: 'handling=strict' }, body: { ...hello, settings: { apns: { colour: 'red' } } } },
    400,
    wrong(/'settings\.apns\.colour'.*field is unknown/),
  ],
  ['POST …/messages', 'messages.write', 'a list', { body: [hello] }, 400, refused('FPWSE0004E', /JSON object/)],
  ['GET …/messages', 'messages.read', 'none of those was stored', {}, 200, having({ messages: [] })],
];

function withData(ofAnn: string): string {
  return `{"message":{"alert":"x"},"target":{"userIds":["ann"]},"data":{"ann":${ofAnn}}}`;
}
