import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Admin, basic } from '../harness/admin.js';
import { requestToken } from '../harness/api.js';
import { startCarillon } from '../harness/carillon.js';
import type { RunningCarillon } from '../harness/carillon.js';
import { LIST_ROUTES, fillRoute, routesOf } from '../harness/routes.js';
import { EMBEDDED } from './stages.js';

/** Every call of administration by every role, compared with the table in docs/clients.md. */

const ROLES = ['mfpadmin', 'mfpdeployer', 'mfpoperator', 'mfpmonitor'];
const GUIDE = readFileSync(new URL('../../docs/clients.md', import.meta.url), 'utf8');
/** `GET confidentialclients/:clientId` → yes or no, in the order of ROLES. */
const TABLE = new Map(
  [...GUIDE.matchAll(/^\| `((?:GET|PUT|POST|PATCH|DELETE) [^`]+)` +\|(.*)\|$/gm)].map(([, call = '', cells = '']) => [
    call.replace('{id}', ':clientId'),
    cells.split('|').map((cell) => cell.trim()),
  ]),
);

let carillon: RunningCarillon;
let clean: () => void;
const secrets = new Map<string, string>();

beforeAll(async () => {
  const prepared = await EMBEDDED.prepare();
  clean = prepared.clean;
  carillon = await startCarillon(prepared.environment, LIST_ROUTES);
  const root = new Admin(carillon.url);
  for (const role of [...ROLES, 'messages.*', '*']) {
    const id = `client-${secrets.size}`;
    secrets.set(role, basic(id, await root.addClient(id, role)));
  }
});
afterAll(async () => {
  await carillon.stop();
  clean();
});

/** Calls as a client of this allowed scope and returns the status. */
async function call(scope: string, route: string, authorization = secrets.get(scope) ?? ''): Promise<number> {
  const [method = '', path = ''] = route.split(' ');
  const answer = await fetch(
    `${carillon.url}${fillRoute(path, { runtimeName: 'mfp', clientId: 'nothing-has-this-id' })}`,
    {
      method,
      // A refused body changes nothing, with any role.
      ...(['POST', 'PUT', 'PATCH'].includes(method) && { body: '{"unknown":1}' }),
      headers: { authorization, 'content-type': 'application/json' },
    },
  );
  await answer.arrayBuffer();
  return answer.status;
}

const adminRoutes = () =>
  routesOf(carillon)
    .filter((route) => route.includes('/mfpadmin/'))
    .map((route) => ({
      route,
      name: route.replace('/mfpadmin/management-apis/2.0/runtimes/:runtimeName/', ''),
    }));

describe('roles', () => {
  it('the table in docs/clients.md has every call of administration, and no other', () => {
    expect(adminRoutes().map(({ name }) => name)).toEqual([...TABLE.keys()].toSorted());
  });

  it('each role may call what its column says, with Basic and with a token; `*` may call all, a sender nothing', async () => {
    const wrong: string[] = [];
    for (const { route, name } of adminRoutes()) {
      const expected = [...(TABLE.get(name) ?? []), 'no', 'yes'];
      for (const [index, scope] of [...secrets.keys()].entries()) {
        const [id = '', secret = ''] = Buffer.from((secrets.get(scope) ?? '').slice(6), 'base64')
          .toString()
          .split(':');
        const token = await requestToken(carillon.url, { id, secret, scope });
        const { access_token } = (await token.json()) as { access_token: string };
        for (const authorization of [undefined, `Bearer ${access_token}`]) {
          const status = await call(scope, route, authorization);
          if ((status === 403 ? 'no' : 'yes') !== expected[index])
            wrong.push(`${name} by ${scope} with ${authorization ? 'a token' : 'Basic'}: ${status}`);
        }
      }
    }
    expect(wrong).toEqual([]);
  });

  it('a token of a `*` client may call what the scope of the token covers', async () => {
    const token = await requestToken(carillon.url, { id: 'test', secret: 'test', scope: 'mfpmonitor' });
    const { access_token } = (await token.json()) as { access_token: string };
    const admin = new Admin(carillon.url, `Bearer ${access_token}`);
    expect((await admin.call('GET', '/auditevents')).status).toBe(200);
    expect((await admin.call('GET', '/confidentialclients')).status).toBe(403);
  });

  it("a refusal of Basic names the client's missing scope, and no token", async () => {
    const admin = new Admin(carillon.url, secrets.get('messages.*'));
    const refused = await admin.call('GET', '/confidentialclients');
    expect(refused).toMatchObject({
      status: 403,
      body: {
        code: 'CARIL0403E',
        message: "The client's allowed scope does not cover this call; it needs one of mfpadmin, mfpdeployer.",
      },
    });
    expect(refused.headers.get('www-authenticate')).toBeNull();
  });
});

describe('introspection with Basic', () => {
  const FORM = 'application/x-www-form-urlencoded';
  const introspect = (authorization: string, body: string) =>
    fetch(`${carillon.url}/mfp/api/az/v1/introspection`, {
      method: 'POST',
      headers: { authorization, 'content-type': FORM },
      body,
    });
  const obtain = async () => {
    const token = await requestToken(carillon.url, { id: 'test', secret: 'test', scope: 'messages.write' });
    return ((await token.json()) as { access_token: string }).access_token;
  };

  it('a client with authorization.introspect calls without a token', async () => {
    const answer = await introspect(basic('push', 'hsup'), `token=${await obtain()}&client_id=push`);
    expect(answer.status).toBe(200);
    expect(await answer.json()).toMatchObject({ active: true, client_id: 'test', scope: 'messages.write' });
  });

  it('another client is refused with an error about the client, not about a token', async () => {
    const answer = await introspect(basic('admin', 'nimda'), `token=${await obtain()}`);
    expect(answer.status).toBe(403);
    expect(await answer.json()).toEqual({
      error: 'insufficient_scope',
      error_description: "The client's allowed scope does not cover this call; it needs authorization.introspect.",
    });
  });

  it('a wrong secret is answered as at the token endpoint', async () => {
    const answer = await introspect(basic('push', 'wrong'), `token=${await obtain()}`);
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({ error: 'invalid_client' });
  });

  it.each(['token', 'introspection', 'revocation'])(
    '%s refuses a client_id that differs from the header',
    async (end) => {
      const answer = await fetch(`${carillon.url}/mfp/api/az/v1/${end}`, {
        method: 'POST',
        headers: { authorization: basic('push', 'hsup'), 'content-type': FORM },
        body: 'grant_type=client_credentials&token=x&client_id=test',
      });
      expect(answer.status).toBe(400);
      expect(await answer.json()).toEqual({
        error: 'invalid_request',
        error_description: 'client_id differs from the client of the credentials',
      });
    },
  );
});
