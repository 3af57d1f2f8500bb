import { readFileSync } from 'node:fs';
import { Validator } from '@seriousme/openapi-schema-validator';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startCarillon } from '../harness/carillon.js';
import type { RunningCarillon } from '../harness/carillon.js';
import { LIST_ROUTES, routesOf } from '../harness/routes.js';
import { EMBEDDED } from './stages.js';

/** Generated documents are committed and must be up to date: npm run documents. */

/**
 * The calls of MobileFirst 8.0: push service, token and introspection, confidential clients and push administration.
 */
const APP = '/imfpush/v1/apps/\\{applicationId\\}';
const ADMIN = '/mfpadmin/management-apis/2.0/runtimes/\\{runtimeName\\}';
const DOCUMENTED = [
  'POST /\\{runtimeName\\}/api/az/v1/(token|introspection)',
  'GET (/imfpush/v1)?/health/status',
  'GET /imfpush/v1/swagger.json',
  '(GET|POST) /imfpush/v1/apps',
  `(GET|DELETE) ${APP}`,
  `(GET|PUT) ${APP}/status`,
  `GET ${APP}/settings(/apnsCert|/gcmConfPublic)?`,
  `(GET|PUT|DELETE) ${APP}/settings/(apns|gcm|wns|sms)Conf`,
  `(GET|POST) ${APP}/(devices|tags|subscriptions)`,
  `DELETE ${APP}/subscriptions`,
  `(GET|PUT|DELETE) ${APP}/(devices|tags)/\\{\\w+\\}`,
  `(GET|DELETE) ${APP}/(subscriptions|messages)/\\{\\w+\\}`,
  `POST ${APP}/messages(/bulk)?`,
  `POST ${APP}/webhooks`,
  `(PUT|DELETE) ${APP}/webhooks/\\{\\w+\\}`,
  `(GET|PUT) ${ADMIN}/confidentialclients`,
  `\\w+ ${ADMIN}/notifications/.*`,
].map((form) => new RegExp(`^${form}$`));

interface Schema {
  $ref?: string;
  type?: string;
  allOf?: Schema[];
  oneOf?: Schema[];
  items?: Schema;
  properties?: Record<string, Schema>;
  additionalProperties?: boolean | Schema;
}
type Media = Record<string, { schema?: Schema; example?: unknown }>;
interface Operation {
  operationId: string;
  summary?: string;
  tags: string[];
  'x-extension'?: true;
  security?: unknown[];
  parameters?: { name: string; required?: boolean; schema: Schema }[];
  requestBody?: { content: Media };
  responses: Record<string, { content?: Media }>;
}
interface Document {
  tags: { name: string }[];
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, Schema> };
}

/** Answers of success without a body, besides 204. */
const BODILESS = new Set(['200 TokenController_revoke', '202 UsersController_remove']);

let carillon: RunningCarillon;
let clean: () => void;

beforeAll(async () => {
  const prepared = await EMBEDDED.prepare();
  clean = prepared.clean;
  carillon = await startCarillon(prepared.environment, LIST_ROUTES);
});

afterAll(async () => {
  await carillon.stop();
  clean();
});

it('docs/openapi.json equals the document that the program serves', async () => {
  const response = await fetch(`${carillon.url}/imfpush/v1/swagger.json`);
  expect(response.status).toBe(200);
  const committed: unknown = JSON.parse(readFileSync(new URL('../../docs/openapi.json', import.meta.url), 'utf8'));
  expect(await response.json()).toEqual(committed);
});

it('docs/openapi.json has the version of the package', () => {
  const read = (file: string): unknown => JSON.parse(readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8'));
  const { version } = read('package.json') as { version: string };
  expect(read('docs/openapi.json')).toMatchObject({ info: { version } });
});

describe('the OpenAPI document', () => {
  let document: Document;
  let operations: [route: string, operation: Operation][];
  beforeAll(async () => {
    document = (await (await fetch(`${carillon.url}/imfpush/v1/swagger.json`)).json()) as Document;
    operations = Object.entries(document.paths).flatMap(([path, item]) =>
      Object.entries(item).map(([method, operation]): [string, Operation] => [
        `${method.toUpperCase()} ${path}`,
        operation,
      ]),
    );
  });

  it('is valid', async () => {
    expect(await new Validator().validate({ ...structuredClone(document) })).toMatchObject({ valid: true });
  });

  it('has every route of the running program, and no other', () => {
    const routes = routesOf(carillon).map((route) => route.replaceAll(/\/:(\w+)/g, '/{$1}'));
    expect(operations.map(([route]) => route).sort()).toEqual(routes.sort());
  });

  it('has the errors of each route', () => {
    for (const [route, { responses, security }] of operations) {
      // The document is served beside the routes.
      if (!/ \/(imfpush|mfpadmin)\//.test(route) || route.endsWith('/swagger.json')) continue;
      const wanted = [
        '406',
        '500',
        '503',
        ...(security ? ['401', '403'] : []),
        ...(route.includes('{') ? ['404'] : []),
      ];
      if (/^(PUT|PATCH) (?!.*smsConf$)/.test(route)) wanted.push('400', '405', '413');
      expect([route, ...Object.keys(responses)]).toEqual(expect.arrayContaining(wanted));
      for (const [status, response] of Object.entries(responses))
        if (Number(status) >= 400) expect(response).toHaveProperty('content');
    }
  });

  it('has the same fields for a target wherever a call takes one', () => {
    const { schemas } = document.components;
    for (const name of ['SendMessage', 'Campaign', 'CountAudience', 'CreateAudience', 'ReplaceAudience'])
      expect([name, schemas[`${name}Dto`]?.properties?.target]).toMatchObject([
        name,
        { allOf: [{ $ref: '#/components/schemas/TargetDto' }] },
      ]);
  });

  it('marks the calls that MobileFirst does not have, and no others', () => {
    const marked = operations.filter(([, operation]) => operation['x-extension']).map(([route]) => route);
    const expected = operations
      .map(([route]) => route)
      .filter((route) => !DOCUMENTED.some((known) => known.test(route)));
    expect(marked.sort()).toEqual(expected.sort());
  });
});

describe('each operation of the document', () => {
  const document = JSON.parse(readFileSync(new URL('../../docs/openapi.json', import.meta.url), 'utf8')) as Document;
  const operations = Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => ({ route: `${method.toUpperCase()} ${path}`, operation })),
  );

  it.each(operations)('$route', ({ route, operation }) => {
    expect(operation.operationId).toMatch(/^[A-Za-z]\w*$/);
    expect(document.tags.map(({ name }) => name)).toContain(operation.tags[0]);
    for (const parameter of operation.parameters ?? []) {
      expect(parameter.schema, parameter.name).toHaveProperty(['type']);
      if (parameter.required) expect(parameter, parameter.name).toHaveProperty('example');
    }
    for (const [type, media] of Object.entries(operation.requestBody?.content ?? {})) {
      expect(flawsOf(media.schema), `${type}: fields without a type`).toEqual([]);
      expect(media, `${type} needs an example: give some of its fields one`).toHaveProperty('example');
    }
    const good = Object.entries(operation.responses).filter(([status]) => Number(status) < 400);
    if (route.endsWith('/settings/smsConf')) return expect(good).toEqual([]);
    expect(good.length, 'answers of success').toBeGreaterThan(0);
    for (const [status, { content }] of good) {
      if (BODILESS.has(`${status} ${operation.operationId}`) || status === '204') continue;
      expect(Object.keys(content ?? {}).length, `${status} has no schema`).toBeGreaterThan(0);
      for (const [type, { schema }] of Object.entries(content ?? {}))
        expect(flawsOf(schema), `${status} ${type}: free or untyped parts`).toEqual([]);
    }
  });

  it('has an operation id of its own', () => {
    const ids = operations.map(({ operation }) => operation.operationId);
    expect(ids.filter((id, index) => ids.indexOf(id) !== index)).toEqual([]);
  });

  /** The parts of a schema that tell nothing: no type, or an object without fields. */
  function flawsOf(schema: Schema | undefined, place = 'schema', seen = new Set<string>()): string[] {
    if (!schema) return [place];
    if (schema.$ref !== undefined) {
      const name = schema.$ref.split('/').at(-1) ?? '';
      return seen.has(name) ? [] : flawsOf(document.components.schemas[name], name, seen.add(name));
    }
    const same = [...(schema.allOf ?? []), ...(schema.oneOf ?? [])];
    if (same.length > 0) return same.flatMap((each, index) => flawsOf(each, `${place}.${index}`, seen));
    if (schema.type === 'array') return flawsOf(schema.items, `${place}[]`, seen);
    if (schema.type !== 'object') return schema.type === undefined ? [place] : [];
    const { properties, additionalProperties: others } = schema;
    if (properties === undefined && others === undefined) return [place];
    return [
      ...Object.entries(properties ?? {}).flatMap(([name, field]) => flawsOf(field, `${place}.${name}`, seen)),
      ...(typeof others === 'object' ? flawsOf(others, `${place}.*`, seen) : []),
    ];
  }
});

it('serves a page to try the API at /doc/', async () => {
  const response = await fetch(`${carillon.url}/doc/`);
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toContain('text/html');
  const script = await fetch(`${carillon.url}/doc/swagger-ui-bundle.js`);
  expect(script.status).toBe(200);
});

it('answers live and ready health checks', async () => {
  const live = await fetch(`${carillon.url}/health/live`);
  expect(await live.json()).toEqual({ status: 'live' });
  const ready = await fetch(`${carillon.url}/health/ready`);
  expect(ready.status).toBe(200);
  expect(await ready.json()).toEqual({ status: 'ready', database: 'up', queue: 'up' });
});
