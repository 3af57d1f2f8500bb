import { INSTANT, having, refused, removals, wrong } from './row.js';
import type { Row } from './row.js';
import { expect } from 'vitest';

const read = 'webhooks.read';
const write = 'webhooks.write';
const hook = { name: 'crm', url: 'https://hooks.example/in', eventTypes: 'onDeviceRegister,onSubscribe' };
const changed = { url: 'https://hooks.example/other', eventTypes: 'onUnsubscribe' };
const SECRET = expect.stringMatching(/^whsec_[\w+/]{43}=$/) as string;

/** Refused fields of a webhook, at creation and change. */
const WRONG: readonly (readonly [field: string, value: unknown])[] = [
  ['url', 'http://hooks.example/'],
  ['url', 'https://127.0.0.1/'],
  ['url', 'https://[::ffff:10.0.0.1]/'],
  ['url', 'https://me:sesame@hooks.example/'],
  ['url', 7],
  ['eventTypes', 'onSubscribe,nothing'],
  ['eventTypes', 'onNotificationFailure'],
  ['eventTypes', ['onSubscribe']],
  ['eventTypes', ''],
  // A misspelt restriction is not the wish for all events.
  ['label', 'news'],
  ['campaignIds', ['spring']],
];

const rotate = 'POST …/webhooks/:name/secret';
const endOld = 'DELETE …/webhooks/:name/secretBefore';
const rotated = { name: 'crm', ...changed, secret: SECRET };
const both = { ...rotated, secretBeforeUntil: INSTANT };

/** Secrets of an existing webhook. */
const SECRETS: readonly Row[] = [
  [rotate, write, 'a new secret beside the old one for a day', {}, 200, both],
  [rotate, write, 'while two secrets sign', { body: {} }, 409, refused('CARIL0409E', /overlap/)],
  [endOld, write, 'the old secret', {}, 204],
  [endOld, write, 'while one secret signs', {}, 204],
  [rotate, write, 'for the requested time', { body: { overlapSeconds: 2_592_000 } }, 200, both],
  [rotate, write, 'at once', { body: { overlapSeconds: 0 } }, 200, rotated],
  ...[-1, 1.5, 2_592_001, 'a day', [1]].map((overlapSeconds): Row => [
    rotate,
    write,
    `overlapSeconds ${String(overlapSeconds)}`,
    { body: { overlapSeconds } },
    400,
    wrong(/'overlapSeconds'/),
  ]),
  [rotate, write, 'for an unknown webhook', { path: { name: 'nothing' } }, 404, refused('FPWSE0001E')],
  [endOld, write, 'for an unknown webhook', { path: { name: 'nothing' } }, 404, refused('FPWSE0001E')],
  ['GET …/webhooks/:name', read, 'the secret is not shown again', {}, 200, { name: 'crm', ...changed, pending: 0 }],
];

export const WEBHOOKS: readonly Row[] = [
  ['POST …/webhooks', write, 'the secret is shown once', { body: hook }, 200, { ...hook, secret: SECRET }],
  ['POST …/webhooks', write, 'twice', { body: hook }, 409, refused('FPWSE0002E')],
  ['GET …/webhooks', read, 'all', {}, 200, { webhooks: [{ ...hook, pending: 0 }] }],
  ['PUT …/webhooks/:name', write, 'another address', { body: changed }, 200, { name: 'crm', ...changed }],
  [
    'PUT …/webhooks/:name',
    write,
    'what was read',
    { body: { name: 'crm', ...changed, pending: 0, lastError: 'answered 500' } },
    200,
    { name: 'crm', ...changed },
  ],
  [
    'PUT …/webhooks/:name',
    write,
    'of an earlier revision',
    { headers: { 'if-match': '"earlier"' }, body: changed },
    412,
    refused('CARIL0412E'),
  ],
  ['GET …/webhooks/:name', read, 'one', {}, 200, { name: 'crm', ...changed, pending: 0 }],
  ...['a/b', 'x'.repeat(65), '', undefined].map((name): Row => [
    'POST …/webhooks',
    write,
    `name ${name}`,
    { body: { ...hook, name } },
    400,
    wrong(/'name'/),
  ]),
  ...WRONG.flatMap(([field, value]): Row[] => {
    const says = wrong(new RegExp(`'${field}'`));
    return [
      [
        'POST …/webhooks',
        write,
        `${field} ${String(value)}`,
        { body: { ...hook, name: 'new', [field]: value } },
        400,
        says,
      ],
      ['PUT …/webhooks/:name', write, `${field} ${String(value)}`, { body: { ...changed, [field]: value } }, 400, says],
    ];
  }),
  ['GET …/webhooks', read, 'none of that was stored', {}, 200, { webhooks: [having({ name: 'crm', ...changed })] }],
  ...SECRETS,
  ...removals('DELETE …/webhooks/:name', write),
  ['DELETE …/webhooks/:name', write, 'one', {}, 204],
  ['DELETE …/webhooks/:name', write, 'again', {}, 404, refused('FPWSE0001E')],
  ['PUT …/webhooks/:name', write, 'an unknown webhook', { body: changed }, 404, refused('FPWSE0001E')],
  ['GET …/webhooks/:name', read, 'an unknown webhook', {}, 404, refused('FPWSE0001E')],
];
