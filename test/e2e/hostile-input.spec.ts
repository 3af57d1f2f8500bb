import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { basic } from '../harness/admin.js';
import { Api } from '../harness/api.js';
import { startCarillon } from '../harness/carillon.js';
import type { RunningCarillon } from '../harness/carillon.js';
import { SERVERS } from './stages.js';

/**
 * Hostile values in every body, field and path of every writing route of the OpenAPI document: never a 5xx, and after a
 * refusal every table but the audit has the same rows. Counting needs a database that other sessions can read.
 */

interface Schema {
  $ref?: string;
  allOf?: Schema[];
  oneOf?: Schema[];
  properties?: Record<string, Schema>;
  items?: Schema;
}
interface Operation {
  requestBody?: { content: Record<string, { schema: Schema }> };
}
const document = JSON.parse(readFileSync(new URL('../../docs/openapi.json', import.meta.url), 'utf8')) as {
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, Schema> };
};

interface Route {
  method: string;
  path: string;
  /** Content types, and the fields of the body. */
  types: string[];
  fields: string[];
}

const WRITES = new Set(['post', 'put', 'patch', 'delete']);
const routes: Route[] = Object.entries(document.paths).flatMap(([path, item]) =>
  Object.entries(item)
    .filter(([method]) => WRITES.has(method))
    .map(([method, { requestBody }]) => {
      const content = Object.entries(requestBody?.content ?? {});
      const fields = [...new Set(content.flatMap(([, { schema }]) => fieldsOf(schema)))];
      return { method: method.toUpperCase(), path, types: content.map(([type]) => type), fields };
    }),
);

function fieldsOf({ $ref, allOf = [], oneOf = [], items, properties = {} }: Schema): string[] {
  const named = $ref === undefined ? [] : [document.components.schemas[$ref.split('/').at(-1)!]!];
  return [...Object.keys(properties), ...[...named, ...allOf, ...oneOf, ...(items ? [items] : [])].flatMap(fieldsOf)];
}

const tower = (levels: number): string => `${'['.repeat(levels)}${']'.repeat(levels)}`;

/** As JSON, instead of a field's value. */
const VALUES: readonly [what: string, json: string][] = [
  ['a NUL', String.raw`"a\u0000b"`],
  ['half a surrogate pair', String.raw`"\ud800"`],
  ['a key that is a NUL', String.raw`{"\u0000":1}`],
  ['__proto__', '{"__proto__":{"admin":true}}'],
  ['constructor', '{"constructor":{"prototype":{"admin":true}}}'],
  ['deeply nested JSON', tower(2_000)],
  ['a number as text', '"7"'],
  ['a number', '7'],
  ['a very large number', '1e999'],
  ['null', 'null'],
  ['a long text', `"${'x'.repeat(70_000)}"`],
  ['a path', '"../../%2e%2e%00?a=b#😀"'],
];

/** Whole bodies. */
const BODIES: readonly [what: string, body: string][] = [
  ['nothing', ''],
  ['half an object', '{"a":'],
  ['text', '"a"'],
  ['deeply nested lists', tower(100_000)],
  ['deeply nested objects', `${'{"a":'.repeat(50_000)}1${'}'.repeat(50_000)}`],
  ['two megabytes', JSON.stringify({ a: 'x'.repeat(2_000_000) })],
  ['a hundred thousand keys', `{${Array.from({ length: 100_000 }, (_, n) => `"k${n}":1`).join(',')}}`],
  ['__proto__', '{"__proto__":{"applicationId":"com.example.proto"}}'],
  ['invalid UTF-8', '\xff\xfe'],
];

/** Instead of a path's parameter, in the spelling of the URL. */
const IDS = [
  ...[
    'a/b//c',
    '😀',
    'a%b',
    '%2e%2e%2f',
    'x'.repeat(300),
    '__proto__',
    'constructor',
    "';--",
    '9'.repeat(30),
    '-1',
    '1e9',
  ].map(encodeURIComponent),
  '..',
  '%2e%2e',
  '%00',
  '%zz',
  '%ff',
  '%ed%a0%80',
  'x'.repeat(5_000),
];

const PARAMETERS: Record<string, string> = { runtimeName: 'mfp', applicationId: 'com.example.app' };

describe.skipIf(!SERVERS)('every writing route', () => {
  let carillon: RunningCarillon;
  let clean: () => void;
  let database: pg.Pool;
  let api: Api;
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });

  beforeAll(async () => {
    const prepared = await SERVERS!.prepare();
    clean = prepared.clean;
    // No background work changes a table.
    carillon = await startCarillon({ ...prepared.environment, ROLES: 'api' });
    database = new pg.Pool({ connectionString: prepared.environment.DATABASE_URL });
    api = await Api.connect(carillon.url);
  });
  afterAll(async () => {
    agent.destroy();
    await database?.end();
    await carillon?.stop();
    clean?.();
  });

  let countRows: string | undefined;
  async function rows(): Promise<unknown> {
    if (countRows === undefined) {
      const tables = await database.query<{ name: string }>(
        `select table_name as name from information_schema.tables where table_schema = 'public' and table_type = 'BASE TABLE' and table_name not like 'audit%'`,
      );
      expect(tables.rows.length).toBeGreaterThan(15);
      const counts = tables.rows.map(({ name }) => `(select count(*)::int from "${name}") as "${name}"`);
      countRows = `select ${counts.join(', ')}`;
    }
    return (await database.query<Record<string, number>>(countRows)).rows[0];
  }

  /** In the given spelling: fetch would normalise the path. A cut connection is status 0. */
  function send(method: string, path: string, type: string, body: Buffer): Promise<number> {
    const authorization = path.startsWith('/imfpush') ? api.authorization : basic('test', 'test');
    const headers = { authorization, 'content-type': type, 'content-length': body.length };
    return new Promise((resolve) => {
      const sent = request(`${carillon.url}/`, { method, path, agent, headers }, (answer) => {
        answer.resume();
        answer.on('end', () => resolve(answer.statusCode ?? 0));
      });
      sent.on('error', () => resolve(0));
      sent.end(body);
    });
  }

  let before: unknown;
  async function expectHarmless(what: string, ...[method, path, type, body]: Parameters<typeof send>): Promise<void> {
    before ??= await rows();
    const status = await send(method, path, type, body);
    const after = await rows();
    expect([what, status < 500, status]).toEqual([what, true, status]);
    // A 207 contains refused lines, and here all of them are.
    if (status >= 400 || status === 207 || status === 0) expect([what, after]).toEqual([what, before]);
    before = after;
  }

  const pathOf = (path: string, odd: Record<string, string> = {}): string =>
    path.replaceAll(/\{(\w+)\}/g, (_whole, name: string) => odd[name] ?? PARAMETERS[name] ?? 'none');

  /** A field with the value in the spelling of the content type. */
  const write = (type: string, field: string, json: string): string =>
    type.includes('form') ? `${field}=${encodeURIComponent(json)}` : `{"${field}":${json}}`;

  it('is found in the document', () => expect(routes.length).toBeGreaterThan(50));

  it.each(routes.filter(({ types }) => types.length > 0))('$method $path with hostile bodies', async (route) => {
    const path = pathOf(route.path);
    for (const type of route.types.filter((each) => !each.startsWith('multipart'))) {
      for (const [what, body] of BODIES)
        await expectHarmless(`${type}: ${what}`, route.method, path, type, Buffer.from(body, 'latin1'));
      for (const field of route.fields)
        for (const [what, json] of VALUES)
          await expectHarmless(`${field}: ${what}`, route.method, path, type, Buffer.from(write(type, field, json)));
    }
  });

  it.each(routes.filter(({ path }) => path.includes('{')))('$method $path with hostile ids', async (route) => {
    const [type = 'application/json'] = route.types;
    for (const [, name = ''] of route.path.matchAll(/\{(\w+)\}/g))
      for (const id of IDS) {
        const path = pathOf(route.path, { [name]: id });
        await expectHarmless(`${name}: ${id.slice(0, 40)}`, route.method, path, type, Buffer.from('{}'));
      }
  });

  it('none of it is an internal fault in the log, and the program still runs', async () => {
    expect(carillon.output()).not.toMatch(/\bERROR\b/);
    expect((await fetch(`${carillon.url}/health/ready`)).status).toBe(200);
  });
});
