import { HERE, INSTANT, having, refused, wrong } from './row.js';
import type { Row } from './row.js';
import { expect } from 'vitest';

const read = 'messages.read';
const write = 'messages.write';
const ID = expect.stringMatching(/^[A-Za-z0-9]{8}$/) as string;
const hello = { message: { alert: 'Hello' } };
const ann = { ...hello, target: { userIds: ['ann'] } };
/** A message that never ends by itself, because its device is throttled for ever. */
const never = { ...hello, target: { deviceIds: ['stuck'] } };
const stuck = { deviceId: 'stuck', platform: 'A', token: 'sandbox:throttled-forever:stuck' };
const odd = { path: { messageId: '../😀%' } };
const unknown = { path: { messageId: 'Nobody00' } };

/** Lenient inputs, which are echoed unchanged. */
const TAKEN: readonly (readonly [what: string, body: object, warnings?: unknown])[] = [
  ['to all', hello],
  ['as a push', { ...hello, notificationType: 1, settings: { apns: { payload: '' }, gcm: {}, wns: {} } }],
  ['to devices', { ...hello, target: { deviceIds: ['phone', 'desk'] } }],
  ['to a tag', { ...hello, target: { tagNames: ['news'] } }],
  ['to a user’s devices of a platform', { ...hello, target: { userIds: ['ann'], platforms: ['A'] } }],
  ['to platforms as one text', { ...hello, target: { platforms: 'A,M' } }],
  ['with the target inside the settings', { ...hello, settings: { target: { userIds: ['ann'] } } }],
  ['to an unknown user beside a known one', { ...hello, target: { userIds: ['ann', 'nobody'] } }, warnings('nobody')],
  ['to an unknown user', { ...hello, target: { userIds: ['nobody'] } }, warnings('target.userIds: nobody')],
  ['to an unknown device', { ...hello, target: { deviceIds: ['nobody'] } }, warnings('target.deviceIds: nobody')],
  ['as push and SMS', { ...ann, notificationType: 3 }, warnings('SMS is not supported')],
  [
    'with all members of a Java object',
    { ...hello, target: { userIds: ['ann'], deviceIds: [], tagNames: null, platforms: [], phoneNumber: null } },
  ],
  [
    'to unsupported platforms and others',
    { ...hello, target: { platforms: ['A', 'APPEXT_CHROME'] } },
    warnings('APPEXT_CHROME'),
  ],
  ['with a badge in text', { ...ann, ttl: '60', settings: { apns: { badge: '5' } } }],
  [
    'silent, without an alert',
    { message: { alert: '' }, settings: { apns: { type: 'SILENT' } }, target: { platforms: 'A' } },
  ],
  [
    'with unknown fields',
    {
      message: { alert: 'Hello', mood: 'good' },
      settings: { apns: { badge: 1, colour: 'red' }, gcm: { priority: 'HIGH', lights: { ledOnMs: '100' } } },
      validate: true,
      campaign: 7,
    },
    warnings("'message.mood'", "'settings.apns.colour'", "'validate'", "'campaign'"),
  ],
];

export const MESSAGES: readonly Row[] = [
  ['POST …/devices', 'devices.write', 'a message that never ends', { body: stuck }, 201, having({ deviceId: 'stuck' })],
  ...TAKEN.map(([what, body, warned]): Row => ['POST …/messages', write, what, { body }, 202, echo(body, warned)]),
  ...['text/plain', 'application/x-www-form-urlencoded', 'application/xml'].map((type): Row => [
    'POST …/messages',
    write,
    `as ${type}`,
    { headers: { 'content-type': type }, body: JSON.stringify(ann) },
    202,
    echo(ann),
  ]),
  [
    'POST …/messages',
    write,
    'a dry run',
    { body: { ...ann, dryRun: true } },
    200,
    having({ dryRun: true, audience: { total: 1, providers: { sandbox: 1 }, exact: true } }),
  ],
  ['POST …/messages', write, 'with a key', { headers: { 'idempotency-key': 'k-1' }, body: ann }, 202, echo(ann)],
  ['POST …/messages', write, 'again', { headers: { 'idempotency-key': 'k-1' }, body: ann }, 202, echo(ann)],
  [
    'POST …/messages',
    write,
    'another message under the key',
    { headers: { 'idempotency-key': 'k-1' }, body: hello },
    409,
    refused('FPWSE0002E', /Idempotency-Key/),
  ],
  [
    'POST …/messages',
    write,
    'a key that is too long',
    { headers: { 'idempotency-key': 'k'.repeat(256) }, body: hello },
    400,
    wrong(/Idempotency-Key/i),
  ],

  [
    'POST …/messages/bulk',
    write,
    'to a user without a device',
    { body: [{ ...hello, target: { userIds: ['nobody'] } }] },
    202,
    { messages: [{ ...inBulk('Hello'), ...told(warnings('target.userIds: nobody')) }] },
  ],
  ['POST …/messages/bulk', write, 'two', { body: [hello, ann] }, 202, { messages: [inBulk('Hello'), inBulk('Hello')] }],
  [
    'POST …/messages/bulk',
    write,
    'in the form of the admin service',
    { body: { ArrayOfMessageBody: [ann] } },
    202,
    { messages: [inBulk('Hello')] },
  ],
  [
    'POST …/messages/bulk',
    write,
    'with a key',
    { headers: { 'idempotency-key': 'k-2' }, body: [ann] },
    202,
    { messages: [inBulk('Hello')] },
  ],
  [
    'POST …/messages/bulk',
    write,
    'another bulk under the key',
    { headers: { 'idempotency-key': 'k-2' }, body: [hello] },
    409,
    refused('FPWSE0002E'),
  ],
  ...wrongBulks(),

  ['POST …/messages', write, 'a message that ends', { body: ann }, 202, echo(ann)],
  [
    'GET …/messages/:messageId',
    read,
    'the same message after its end',
    { again: true },
    200,
    having({
      messageId: ID,
      alert: 'Hello',
      state: 'finished',
      audience: 1,
      outcomes: having({ accepted: 1, pending: 0 }),
    }),
  ],
  ['DELETE …/messages/:messageId', write, 'a message that has ended', {}, 409, refused('CARIL0409E', /finished/)],
  ['POST …/messages', write, 'a message that never ends', { body: never }, 202, echo(never)],
  ['DELETE …/messages/:messageId', write, 'with another count', { query: 'counts=all' }, 400, wrong(/'counts'/)],
  [
    'DELETE …/messages/:messageId',
    write,
    'with another parameter',
    { query: 'count=true' },
    400,
    refused('FPWSE0007E'),
  ],
  ['DELETE …/messages/:messageId', write, 'a message that has not ended', {}, 204],
  [
    'DELETE …/messages/:messageId',
    write,
    'again, counted',
    { query: 'counts=true' },
    200,
    having({ gone: 0, unknown: 0 }),
  ],
  ['DELETE …/messages/:messageId', write, 'an unknown message', unknown, 404, refused('FPWSE0001E', /messageId/)],
  [
    'GET …/messages/:messageId',
    read,
    'the cancelled message',
    { again: true },
    200,
    having({ state: 'cancelled', audience: 1 }),
  ],
  ['GET …/messages/:messageId', read, 'an unknown message', unknown, 404, refused('FPWSE0001E', /messageId/)],
  ['GET …/messages/:messageId', read, 'an id with special characters', odd, 404, refused('FPWSE0001E', /messageId/)],
  [
    'GET …/messages/:messageId',
    read,
    'a long id',
    { path: { messageId: 'x'.repeat(1_000) } },
    404,
    refused('FPWSE0001E'),
  ],
];

function echo(message: object, warned?: unknown): object {
  return { message, messageId: ID, ...(warned !== undefined && told(warned)) };
}

function inBulk(alert: string): object {
  return { messageId: ID, alert, createdTime: INSTANT, href: says(`${HERE}/messages/`) };
}

/** The members of an answer with warnings. */
function told(sentences: unknown): object {
  return { warnings: sentences, warningDetails: expect.any(Array) as unknown };
}

/** One warning for each of these, in any order. */
function warnings(...parts: string[]): unknown {
  const inAny = (given: string[]): boolean => parts.every((part) => given.some((warning) => warning.includes(part)));
  return expect.toSatisfy((given: string[]) => given.length === parts.length && inAny(given));
}

function says(part: string): unknown {
  return expect.stringContaining(part);
}

/** If one message of a bulk is invalid, none is stored: `label` would find it. */
function wrongBulks(): Row[] {
  const good = { ...ann, label: 'never' };
  const cases: readonly (readonly [what: string, body: unknown, status: number, reason: unknown])[] = [
    [
      'without alerts',
      [good, { message: {} }, good, { message: { alert: 7 } }],
      400,
      wrong(/^Message \[1\]: .*'message\.alert'.* Message \[3\]: /),
    ],
    [
      'to an unknown tag',
      [good, { ...good, target: { tagNames: ['nothing'] } }],
      404,
      refused('FPWSE0001E', /^Message \[1\]: /),
    ],
    [
      'with users beside a target',
      [good, { ...good, userIds: ['ben'] }],
      400,
      wrong(/^Message \[1\]: .*'userIds'.*'target'/),
    ],
    [
      'a target beside the list',
      { ArrayOfMessageBody: [good], target: ann.target },
      400,
      wrong(/'target'.*each of the messages/),
    ],
    ['users beside the list', { ArrayOfMessageBody: [good], userIds: ['ann'] }, 400, wrong(/'userIds'/)],
    ['a dry run', [good, { ...good, dryRun: true }], 400, wrong(/^Message \[1\]: .*'dryRun'/)],
    ['not an object', [good, 7], 400, refused('FPWSE0004E', /^Message \[1\]: /)],
    ['no message', [], 400, wrong(/is empty/)],
    ['not a list', {}, 400, refused('FPWSE0004E', /JSON array/)],
    ['1,001', Array.from({ length: 1_001 }, () => good), 400, wrong(/1001 messages/)],
  ];
  return [
    ...cases.map(([what, body, status, reason]): Row => [
      'POST …/messages/bulk',
      write,
      what,
      { body },
      status,
      reason,
    ]),
    ['GET …/messages', read, 'none of those was stored', { query: 'label=never' }, 200, { messages: [] }],
  ];
}
