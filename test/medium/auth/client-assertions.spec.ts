import 'reflect-metadata';
import { generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SignJWT } from 'jose';
import type { JWTPayload } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ITSELF } from '../../../src/auth/audit.repository.js';
import { ASSERTION_TYPE } from '../../../src/auth/client-assertions.js';
import type { Database } from '../../../src/database/database.js';
import { PLACES, openPlace } from '../database/places.js';
import { AuthRoom, FORM, PUBLIC_URL, ROOT, SetClock, basic, refusalOf } from './auth-room.js';

const TOKEN_ENDPOINT = `${PUBLIC_URL}/mfp/api/az/v1/token`;
const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const other = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const jwk = (key = publicKey) => ({ ...key.export({ format: 'jwk' }), kid: 'k1', alg: 'ES256' });
const setOf = (key = publicKey): string => JSON.stringify({ keys: [jwk(key)] });

describe.each(PLACES)('assertions of clients with keys on %s', (kind) => {
  let database: Database;
  let remove: () => Promise<void>;
  let clock: SetClock;
  /** Two processes of one installation. */
  let here: AuthRoom;
  let there: AuthRoom;
  let count = 0;

  beforeAll(async () => {
    ({ database, remove } = await openPlace(kind));
    clock = new SetClock(Date.now());
    here = await AuthRoom.open(database, clock);
    there = await AuthRoom.open(database, clock);
    await here.clients.create(ITSELF, { id: 'root', secret: 'root-secret', allowedScope: '*' });
    await here.clients.create(ROOT, { id: 'robot', allowedScope: 'messages.*', jwks: setOf() });
    await there.feed.refresh();
  });
  afterAll(() => remove());

  /** An assertion as it should be, with changes of its claims; undefined leaves one out. */
  function sign(change: JWTPayload = {}, { key = privateKey, alg = 'ES256', kid = 'k1' } = {}): Promise<string> {
    const now = Math.floor(clock.now() / 1_000);
    const claims = { iss: 'robot', sub: 'robot', aud: TOKEN_ENDPOINT, exp: now + 60, iat: now, jti: `j${count++}` };
    return new SignJWT({ ...claims, ...change }).setProtectedHeader({ alg, kid }).sign(key);
  }

  const obtain = (assertion: string, room = here, more: Record<string, string> = {}) =>
    room.tokens.issueToken({
      contentType: FORM,
      authorization: undefined,
      certificate: null,
      body: new URLSearchParams({
        grant_type: 'client_credentials',
        scope: 'messages.write',
        client_assertion_type: ASSERTION_TYPE,
        client_assertion: assertion,
        ...more,
      }).toString(),
      address: `192.0.2.${count % 250}`,
      enter: () => undefined,
    });

  it('gives a token for a good one, once for all processes', async () => {
    const assertion = await sign();
    const { access_token: token } = await obtain(assertion);
    expect(await there.may(token, 'messages.write')).toBe(true);
    expect(await refusalOf(obtain(assertion))).toBe('400 invalid_client');
    expect(await refusalOf(obtain(assertion, there))).toBe('400 invalid_client');
    expect(await refusalOf(obtain(await sign({ aud: PUBLIC_URL }), there))).toBe('nothing');
  });

  it('of equal ones at one moment, one gets a token', async () => {
    const assertion = await sign();
    const answers = await Promise.all([here, there, here, there].map((room) => refusalOf(obtain(assertion, room))));
    expect(answers.filter((answer) => answer === 'nothing')).toHaveLength(1);
  });

  it('a used jti is forgotten after its end, and is then too old', async () => {
    const assertion = await sign();
    await obtain(assertion);
    clock.step += 100_000;
    expect(await refusalOf(obtain(assertion))).toBe('400 invalid_client');
    await obtain(await sign());
    const rows = await database.kysely.selectFrom('used_assertion').select('jti').execute();
    expect(rows).toHaveLength(1);
  });

  const now = () => Math.floor(clock.now() / 1_000);
  it.each<[string, () => JWTPayload]>([
    ['another issuer', () => ({ iss: 'root' })],
    ['another audience', () => ({ aud: 'https://other.example/mfp/api/az/v1/token' })],
    ['the issuer of tokens as audience', () => ({ aud: 'carillon' })],
    ['no audience', () => ({ aud: undefined })],
    ['an end in the past', () => ({ exp: now() - 31 })],
    ['an end that is far away', () => ({ exp: now() + 331 })],
    ['no end', () => ({ exp: undefined })],
    ['no jti', () => ({ jti: undefined })],
    ['an empty jti', () => ({ jti: '' })],
    ['a long jti', () => ({ jti: 'x'.repeat(256) })],
    ['a begin that is to come', () => ({ nbf: now() + 60 })],
    ['a client without keys', () => ({ iss: 'root', sub: 'root' })],
    ['an unknown client', () => ({ iss: 'x', sub: 'x' })],
  ])('is refused with %s', async (_name, change) => {
    expect(await refusalOf(obtain(await sign(change())))).toBe('400 invalid_client');
  });

  it('is refused with another key, an HMAC or no signature', async () => {
    expect(await refusalOf(obtain(await sign({}, { key: other.privateKey })))).toBe('400 invalid_client');
    const claims = (await sign()).split('.')[1]!;
    const forged = (header: object, signature: string) =>
      `${Buffer.from(JSON.stringify(header)).toString('base64url')}.${claims}.${signature}`;
    for (const assertion of [forged({ alg: 'none' }, ''), forged({ alg: 'HS256', kid: 'k1' }, 'AAAA'), 'x', 'x.y.z'])
      expect(await refusalOf(obtain(assertion))).toBe('400 invalid_client');
  });

  it('is one method among others: not beside a header, with another client_id, or of another type', async () => {
    expect(await refusalOf(obtain(await sign(), here, { client_id: 'root' }))).toBe('400 invalid_request');
    expect(await refusalOf(obtain(await sign(), here, { client_secret: 'x' }))).toBe('400 invalid_request');
    expect(await refusalOf(obtain(await sign(), here, { client_assertion_type: 'x' }))).toBe('400 invalid_request');
    expect(await refusalOf(obtain(await sign(), here, { client_id: 'robot' }))).toBe('nothing');
  });

  it('a client with keys has no secret, and can get one', async () => {
    expect((await here.clients.get('robot')).secrets).toEqual([]);
    expect(await refusalOf(here.authenticator.authenticate(basic('robot', 'x'), '192.0.2.254'))).toMatch(
      'invalid_client',
    );
    const { secret = '' } = await here.clients.rotateSecret(ROOT, 'robot', {}, 0);
    expect(await here.obtain('robot', secret, 'messages.write')).toBeTruthy();
  });

  it('new keys count at once, keys that are taken away no more', async () => {
    await here.clients.create(ROOT, { id: 'turn', allowedScope: 'messages.*', jwks: setOf() });
    const mine = (key = privateKey) => sign({ iss: 'turn', sub: 'turn' }, { key });
    expect(await refusalOf(obtain(await mine()))).toBe('nothing');
    await here.clients.update(ROOT, 'turn', { jwks: setOf(other.publicKey) });
    expect(await refusalOf(obtain(await mine()))).toBe('400 invalid_client');
    expect(await refusalOf(obtain(await mine(other.privateKey)))).toBe('nothing');
    await here.clients.update(ROOT, 'turn', { jwks: null });
    expect(await refusalOf(obtain(await mine(other.privateKey)))).toBe('400 invalid_client');
  });

  it('keys are read from an address, once for many assertions', async () => {
    let asked = 0;
    const server = createServer((_request, response) => {
      asked++;
      response.setHeader('content-type', 'application/json').end(setOf());
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const jwksUri = `http://localhost:${(server.address() as AddressInfo).port}/keys`;
    await here.clients.create(ROOT, { id: 'far', allowedScope: 'messages.*', jwksUri });
    const far = () => sign({ iss: 'far', sub: 'far' });
    for (let i = 0; i < 3; i++) expect(await refusalOf(obtain(await far()))).toBe('nothing');
    expect(asked).toBe(1);
    // In production the address has to be public: nothing connects to this machine.
    const live = await AuthRoom.open(database, clock, { environment: 'production' });
    expect(await refusalOf(obtain(await far(), live))).toBe('400 invalid_client');
    expect(asked).toBe(1);
    server.close();
  });
});
