import { expect } from 'vitest';
import { APPLICATION, NOWHERE, having, refused, wrong } from './row.js';
import type { Row } from './row.js';

const SECOND = 'com.example.second';
const LONGEST = `com.${'x'.repeat(250)}`;
const LIST = 'apps.read push.application.*';
const MAKE = 'apps.write push.application.*';
const TOWER = `{"a":${'['.repeat(200_000)}${']'.repeat(200_000)}}`;
const second = { path: { applicationId: SECOND } };
const hello = { message: { alert: 'Hello' } };

export const APPLICATIONS: readonly Row[] = [
  ['POST /apps/', 'apps.write', 'with its id', { body: { applicationId: APPLICATION } }, 201, app('true')],
  ['POST /apps/', 'apps.write', 'twice', { body: app('true') }, 409, refused('FPWSE0002E', /exists already/)],
  [
    'POST /apps/',
    `apps.write push.application.${SECOND}`,
    'disabled',
    { body: { applicationId: SECOND, enabled: 'false', colour: 'red' } },
    201,
    app('false', SECOND),
  ],
  ...['', '.', '-a', '_a', 'a b', 'a/b', 'a%b', 'ä', '😀', 'a\nb', '*', 'x'.repeat(255), 7, null, undefined].map(
    (applicationId): Row => [
      'POST /apps/',
      MAKE,
      `an id that is none: ${JSON.stringify(applicationId)}`,
      { body: { applicationId } },
      400,
      wrong(/'applicationId'/),
    ],
  ),
  ['POST /apps/', MAKE, 'deeply nested JSON', { body: TOWER }, 400, refused('FPWSE0004E', /nested deeper/)],
  ...wrongStates('POST /apps/', MAKE, { applicationId: NOWHERE }),

  ['GET …', 'apps.read', 'one', {}, 200, app('true')],
  ['GET …', 'apps.read', 'a disabled application', second, 200, app('false', SECOND)],
  ['GET …/status', 'apps.read', 'on', {}, 200, { enabled: 'true' }],
  ['GET …/status', 'apps.read', 'off', second, 200, { enabled: 'false' }],
  ['PUT …/status', 'apps.write', 'off', { body: { enabled: 'false' } }, 200, app('false')],
  ['POST …/messages', 'messages.write', 'to a disabled application', { body: hello }, 409, refused('FPWSE1007E')],
  [
    'POST …/messages/bulk',
    'messages.write',
    'to a disabled application',
    { body: [hello] },
    409,
    refused('FPWSE1007E'),
  ],
  ...wrongStates('PUT …/status', 'apps.write', {}),
  [
    'PUT …/status',
    'apps.write',
    'of an earlier revision',
    { headers: { 'if-match': '"earlier"' }, body: { enabled: 'true' } },
    412,
    refused('CARIL0412E'),
  ],
  ['PUT …/status', 'apps.write', 'nothing', { body: {} }, 400, wrong(/'enabled'/)],
  ['GET …/status', 'apps.read', 'still disabled', {}, 200, { enabled: 'false' }],
  [
    'PUT …/status',
    'apps.write',
    'strict',
    { body: { enabled: 'true', strict: true } },
    200,
    { ...app('true'), strict: 'true' },
  ],
  ['PUT …/status', 'apps.write', 'as before', { body: { enabled: 'true' } }, 200, { ...app('true'), strict: 'true' }],
  ['PUT …/status', 'apps.write', 'not strict', { body: { enabled: 'true', strict: 'false' } }, 200, app('true')],
  ['PUT …/status', 'apps.write', 'enabled, as a boolean', { body: { enabled: true } }, 200, app('true')],

  // The sample application is the third.
  [
    'GET /apps/',
    LIST,
    'all',
    {},
    200,
    {
      applications: ['com.example.app', SECOND, APPLICATION].map((applicationId) => ({ applicationId })),
      pageInfo: { count: '3', totalCount: '3', next: '', previous: '' },
    },
  ],
  [
    'GET /apps/',
    LIST,
    'a page with all fields',
    { query: 'offset=1&size=1&expand=true' },
    200,
    {
      applications: [app('false', SECOND)],
      pageInfo: {
        count: '1',
        totalCount: '3',
        next: expect.stringMatching(/^\/imfpush\/v1\/apps\/\?offset=2&size=1&expand=true&cursor=[\w-]+$/) as string,
        previous: expect.stringMatching(/^\/imfpush\/v1\/apps\/\?offset=0&size=1&expand=true&cursor=[\w-]+$/) as string,
      },
    },
  ],
  [
    'GET /apps/',
    LIST,
    'by its id',
    { query: `filter=applicationId==${SECOND}` },
    200,
    having({ applications: [{ applicationId: SECOND }] }),
  ],
  ['GET /apps/', LIST, 'beyond the last page', { query: 'offset=99' }, 200, having({ applications: [] })],
  ...[
    ['offset=-1', 'FPWSE1079E'],
    ['offset=x', 'FPWSE1079E'],
    ['offset=1e3', 'FPWSE1079E'],
    ['offset=9999999999999999999', 'FPWSE1079E'],
    ['offset=1&offset=2', 'FPWSE1079E'],
    ['size=0', 'FPWSE1080E'],
    ['size=-5', 'FPWSE1080E'],
    ['expand=maybe', 'FPWSE0005E'],
    ['filter=enabled==true', 'FPWSE0005E'],
    ['cursor=x', 'FPWSE0005E'],
  ].map(([query = '', code = '']): Row => ['GET /apps/', LIST, `?${query}`, { query }, 400, refused(code)]),

  ['DELETE …', 'apps.write', 'one', second, 204],
  ['DELETE …', 'apps.write', 'again', second, 404, refused('FPWSE0001E', /application/)],
  ['DELETE …', 'apps.write', 'devices=all', { query: 'devices=all' }, 400, wrong(/'devices'/)],
  ['GET …', 'apps.read', 'a removed application', second, 404, refused('FPWSE0001E')],
  ['POST /apps/', MAKE, 'of 254 characters', { body: { applicationId: LONGEST } }, 201, app('true', LONGEST)],
  ['GET …', 'apps.read', 'of 254 characters', { path: { applicationId: LONGEST } }, 200, app('true', LONGEST)],
  ['DELETE …', 'apps.write', 'of 254 characters', { path: { applicationId: LONGEST } }, 204],
];

function app(enabled: string, applicationId = APPLICATION): { applicationId: string; enabled: string } {
  return { applicationId, enabled };
}

function wrongStates(endpoint: string, scope: string, body: object): Row[] {
  return ['yes', '', 1, null, [], {}].flatMap((enabled): Row[] =>
    // If omitted, it is true; null counts as omitted.
    enabled === null && endpoint.startsWith('POST')
      ? []
      : [
          [
            endpoint,
            scope,
            `enabled ${JSON.stringify(enabled)}`,
            { body: { ...body, enabled } },
            400,
            wrong(/'enabled'/),
          ],
        ],
  );
}
