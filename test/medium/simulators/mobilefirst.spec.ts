import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startSimulators, type RunningSimulators } from '../../simulators/client.js';
import { post, type H1Outcome } from './h1-client.js';

const APPLICATION = 'com.acme.bank';
const SCOPE = `messages.write push.application.${APPLICATION}`;
const MESSAGE = { message: { alert: 'hi' }, target: { userIds: ['u1'] } };
let simulators: RunningSimulators;
let authorization: string;

beforeAll(async () => {
  simulators = await startSimulators();
});
afterAll(() => simulators.stop());
beforeEach(async () => {
  await simulators.admin.reset();
  authorization = await bearer(SCOPE);
});

async function grant(
  form: Record<string, string>,
  client: { clientId: string; secret: string } = simulators.credentials.mobilefirst,
) {
  const headers = {
    'content-type': 'application/x-www-form-urlencoded',
    authorization: `Basic ${Buffer.from(`${client.clientId}:${client.secret}`).toString('base64')}`,
  };
  const body = new URLSearchParams({ grant_type: 'client_credentials', ...form }).toString();
  const { status, text } = await post(`${simulators.mobilefirst.url}/api/az/v1/token`, simulators.ca, headers, body);
  return { status, json: JSON.parse(text) as Record<string, unknown> };
}

async function bearer(scope: string): Promise<string> {
  return `Bearer ${String((await grant({ scope })).json['access_token'])}`;
}

function send(body: unknown = MESSAGE, headers: Record<string, string> = {}, app = APPLICATION): Promise<H1Outcome> {
  const url = new URL(`/imfpush/v1/apps/${app}/messages`, simulators.mobilefirst.url).href;
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return post(url, simulators.ca, { authorization, ...headers }, text);
}

describe('the token endpoint', () => {
  it('echoes the scope, and issues tokens with the configured life', async () => {
    await simulators.admin.changeSettings({ mobilefirst: { tokenLifeSeconds: 5 } });
    expect(await grant({ scope: SCOPE })).toEqual({
      status: 200,
      json: { access_token: expect.any(String) as string, token_type: 'Bearer', expires_in: 5, scope: SCOPE },
    });
    expect((await grant({})).json['scope']).toBe('RegisteredClient');
  });

  it('refuses unknown clients and scopes that are not allowed', async () => {
    const narrow = { clientId: 'narrow', secret: 'a:b' };
    const allowedScope = 'messages.* push.application.com.acme.*';
    await simulators.admin.registerCredentials({ mobilefirst: { ...narrow, allowedScope } });
    expect((await grant({ scope: SCOPE }, narrow)).status).toBe(200);
    expect(await grant({ scope: '*' }, narrow)).toEqual({ status: 400, json: { error: 'invalid_scope' } });
    expect(await grant({}, { ...narrow, secret: 'a' })).toEqual({ status: 400, json: { error: 'invalid_client' } });
    expect(await grant({}, { clientId: 'x', secret: '' })).toEqual({ status: 400, json: { error: 'invalid_client' } });
    expect((await grant({ grant_type: 'password' })).json).toEqual({ error: 'unsupported_grant_type' });
  });
});

describe('POST messages', () => {
  it('accepts a message, echoes it, and returns an id', async () => {
    const { status, text } = await send();
    expect(status).toBe(202);
    const { message, messageId } = JSON.parse(text) as { message: unknown; messageId: string };
    expect([message, messageId]).toEqual([MESSAGE, expect.stringMatching(/^[A-Za-z0-9]{8}$/)]);
    const [entry] = await simulators.admin.lastAccepted('mobilefirst', 1);
    expect(entry).toMatchObject({ token: APPLICATION, messageId: 'hi', providerId: messageId, body: MESSAGE });
    await send();
    expect(await simulators.admin.ledger('mobilefirst', 'hi')).toMatchObject({ accepted: 2, repeats: 1 });
  });

  it.each<[string, unknown, string]>([
    ['text that is not JSON', '{', 'FPWSE0004E'],
    ['a list', [], 'FPWSE0004E'],
    ['no alert', { message: {} }, 'FPWSE0005E'],
    ['a field of another server', { ...MESSAGE, ttl: 5 }, 'FPWSE0006E'],
    ['two targets', { ...MESSAGE, target: { userIds: ['a'], tagNames: ['b'] } }, 'FPWSE0005E'],
    ['an empty target', { ...MESSAGE, target: {} }, 'FPWSE0005E'],
    ['an empty list', { ...MESSAGE, target: { userIds: [] } }, 'FPWSE0005E'],
    ['no target', { ...MESSAGE, target: 'all' }, 'FPWSE0005E'],
  ])('refuses %s', async (_what, body, code) => {
    const { status, text } = await send(body);
    expect([status, (JSON.parse(text) as { code: string }).code]).toEqual([400, code]);
    expect((await simulators.admin.ledger('mobilefirst')).accepted).toBe(0);
  });

  it('requires a valid token for this application', async () => {
    const challenge = async (authorization: string) => {
      const { status, headers } = await send(MESSAGE, { authorization });
      return [status, headers['www-authenticate']];
    };
    expect(await challenge('Bearer none')).toEqual([401, 'Bearer error="invalid_token"']);
    const asked = `Bearer error="insufficient_scope", scope="RegisteredClient ${SCOPE}"`;
    expect(await challenge(await bearer('messages.write push.application.com.acme.shop'))).toEqual([403, asked]);
    expect((await send(MESSAGE, { authorization: await bearer('*') })).status).toBe(202);
    await simulators.admin.expireAccessTokens();
    expect(await challenge(authorization)).toEqual([401, 'Bearer error="invalid_token"']);
  });

  it('refuses unknown and disabled applications', async () => {
    await simulators.admin.killTokens('mobilefirst', [APPLICATION], { reason: 'FPWSE1007E' });
    const disabled = await send();
    expect([disabled.status, disabled.text]).toEqual([409, expect.stringContaining('FPWSE1007E')]);
    const unknown = await send(MESSAGE, { authorization: await bearer('*') }, 'dead0404');
    expect([unknown.status, unknown.text]).toEqual([404, expect.stringContaining('FPWSE0001E')]);
  });

  it("fails on command in MobileFirst's form, with the time to wait", async () => {
    await simulators.admin.changeSettings({ mobilefirst: { retryAfterSeconds: 7 } });
    const path = '/imfpush';
    const answer = async (status: number, reason?: string) => {
      await simulators.admin.setFaults([{ match: { path }, action: { status, reason } }]);
      const { headers, text } = await send();
      return { wait: headers['retry-after'], text };
    };
    expect(await answer(503)).toEqual({ wait: '7', text: expect.stringContaining('FPWSE0025E') as string });
    expect(await answer(429)).toEqual({ wait: '7', text: expect.stringContaining('<html>') as string });
    expect(await answer(500, 'FPWSE0010E')).toEqual({
      wait: undefined,
      text: expect.stringContaining('FPWSE0010E') as string,
    });
  });
});
