import type { ClientHttp2Session } from 'node:http2';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startSimulators, type RunningSimulators } from '../../simulators/client.js';
import { createServiceAccount } from '../../simulators/credentials.js';
import { connect, now, send, signAssertion, type Outcome } from './h2-client.js';

const GRANT = 'urn:ietf:params:oauth:grant-type:jwt-bearer';

let simulators: RunningSimulators;
let session: ClientHttp2Session;

beforeAll(async () => {
  simulators = await startSimulators();
  session = await connect(simulators.fcm.url, simulators.ca);
});
afterAll(async () => {
  session.destroy();
  await simulators.stop();
});
beforeEach(() => simulators.admin.reset());

function exchange(form: Record<string, string>, contentType = 'application/x-www-form-urlencoded'): Promise<Outcome> {
  const body = new URLSearchParams(form).toString();
  return send(session, { ':path': '/token', 'content-type': contentType }, body);
}

async function askWith(claims: Record<string, unknown>): Promise<Outcome> {
  return exchange({ grant_type: GRANT, assertion: await signAssertion(simulators.credentials.fcm, claims) });
}

async function accessToken(): Promise<string> {
  return String((await askWith({})).json?.['access_token']);
}

async function sendWith(bearer: string): Promise<Outcome> {
  const headers = { ':path': '/v1/projects/example-project/messages:send', authorization: `Bearer ${bearer}` };
  return send(session, headers, JSON.stringify({ message: { token: 't1' } }));
}

describe('the token endpoint', () => {
  it('issues an opaque bearer token for a valid assertion, which the send endpoint accepts', async () => {
    const outcome = await askWith({});
    expect(outcome).toMatchObject({ status: 200, json: { expires_in: 3599, token_type: 'Bearer' } });
    expect((await sendWith(String(outcome.json?.['access_token']))).status).toBe(200);
    expect((await simulators.admin.counters()).fcm.accessTokensIssued).toBe(1);
  });

  it('accepts the wider scope, and one of several', async () => {
    const [firebase, cloud] = ['firebase.messaging', 'cloud-platform'].map(
      (s) => `https://www.googleapis.com/auth/${s}`,
    );
    expect((await askWith({ scope: cloud })).status).toBe(200);
    expect((await askWith({ scope: `openid ${firebase}` })).status).toBe(200);
  });

  it.each([
    ['another audience', { aud: 'https://oauth2.example/token' }, 'invalid_grant', /audience/],
    ['a life over an hour', { exp: now() + 3700 }, 'invalid_grant', /short-lived/],
    ['an exp that has passed', { iat: now() - 7200, exp: now() - 3600 }, 'invalid_grant', /timeframe/],
    ['an iat in the future', { iat: now() + 3000, exp: now() + 3600 }, 'invalid_grant', /timeframe/],
    ['no iat', { iat: undefined }, 'invalid_grant', /timeframe/],
    ['an unknown issuer', { iss: 'nobody@example' }, 'invalid_grant', /account not found/],
    ['another scope', { scope: 'openid' }, 'invalid_scope', /scope/],
    ['no scope', { scope: undefined }, 'invalid_scope', /scope/],
  ])('refuses an assertion with %s', async (_name, claims, error, description) => {
    expect(await askWith(claims)).toMatchObject({
      status: 400,
      json: { error, error_description: expect.stringMatching(description) as string },
    });
  });

  it('refuses an assertion that is signed by another key or names one', async () => {
    const { fcm } = simulators.credentials;
    const stranger = createServiceAccount(fcm.project_id, fcm.token_uri).file;
    for (const assertion of [
      await signAssertion({ ...fcm, private_key: stranger.private_key }),
      await signAssertion(fcm, {}, 'another'),
    ]) {
      const outcome = await exchange({ grant_type: GRANT, assertion });
      expect(outcome.json).toEqual({ error: 'invalid_grant', error_description: 'Invalid JWT Signature.' });
    }
  });

  it('refuses other grants, other content types and text that is not a JWT', async () => {
    const assertion = await signAssertion(simulators.credentials.fcm);
    expect((await exchange({ grant_type: 'password', assertion })).json?.['error']).toBe('unsupported_grant_type');
    expect((await exchange({ grant_type: GRANT, assertion }, 'text/plain')).json?.['error']).toBe('invalid_request');
    expect((await exchange({ grant_type: GRANT, assertion: 'a.b.c' })).json?.['error']).toBe('invalid_grant');
  });

  it('fails on command, by path', async () => {
    await simulators.admin.setFaults([{ match: { path: '/token' }, action: { status: 503 }, times: 1 }]);
    expect((await askWith({})).status).toBe(503);
    expect((await askWith({})).status).toBe(200);
  });
});

describe('an access token', () => {
  it('expires after the configured life', async () => {
    await simulators.admin.changeSettings({ fcm: { tokenLifeSeconds: 0 } });
    const outcome = await askWith({});
    expect(outcome.json?.['expires_in']).toBe(0);
    expect((await sendWith(String(outcome.json?.['access_token']))).status).toBe(401);
  });

  it('expires on command, and a new one works', async () => {
    const first = await accessToken();
    expect((await sendWith(first)).status).toBe(200);
    expect(await simulators.admin.expireAccessTokens()).toBeGreaterThan(0);
    expect(await sendWith(first)).toMatchObject({ status: 401, json: { error: { status: 'UNAUTHENTICATED' } } });
    expect((await sendWith(await accessToken())).status).toBe(200);
  });

  it('is not valid for another project', async () => {
    const { file, registration } = createServiceAccount('other-project', simulators.fcm.tokenUri);
    await simulators.admin.registerCredentials({ fcm: registration });
    const other = await exchange({ grant_type: GRANT, assertion: await signAssertion(file) });
    expect(await sendWith(String(other.json?.['access_token']))).toMatchObject({
      status: 403,
      json: { error: { status: 'PERMISSION_DENIED' } },
    });
  });
});
