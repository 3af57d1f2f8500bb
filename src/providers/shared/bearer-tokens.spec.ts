import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { generateKeyPairSync, verify } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MemoryShelf } from '../../../test/harness/memory-shelf.js';
import { BearerTokens, readTokenAnswer } from './bearer-tokens.js';
import { assertionGrant } from '../fcm/fcm.token.js';
import { clientGrant } from '../hms/hms.token.js';

const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const MINUTE_MS = 60_000;
const decode = (part: string | undefined): unknown => JSON.parse(Buffer.from(part ?? '', 'base64url').toString());

/** A token endpoint with the test's answers in order; the last answer repeats. */
class TokenEndpoint {
  readonly forms: URLSearchParams[] = [];
  answers: [status: number, body: string][] = [];
  /** The `Date` of all answers; empty: the server's own. */
  date = '';
  private readonly server: Server;

  constructor() {
    this.server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        this.forms.push(new URLSearchParams(Buffer.concat(chunks).toString()));
        const [status, body] = this.answers[this.forms.length - 1] ?? this.answers.at(-1)!;
        const headers = { 'content-type': 'application/json', ...(this.date !== '' && { date: this.date }) };
        response.writeHead(status, headers).end(body);
      });
    });
  }

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/token`;
  }

  close(): Promise<void> {
    this.server.closeAllConnections();
    return new Promise((resolve) => this.server.close(() => resolve()));
  }
}

const granted = (access_token: string, expires_in = 3_599): [number, string] => [
  200,
  JSON.stringify({ access_token, expires_in, token_type: 'Bearer' }),
];

describe('BearerTokens', () => {
  let endpoint: TokenEndpoint;
  let tokenUri: string;
  let now: number;
  /** Total offset of the wall clock. */
  let steps: number;
  let tokens: BearerTokens;
  let shelf: MemoryShelf;
  let start: () => BearerTokens;

  beforeEach(async () => {
    endpoint = new TokenEndpoint();
    tokenUri = await endpoint.listen();
    now = Date.parse('2026-11-23T10:00:00Z');
    endpoint.date = new Date(now).toUTCString();
    steps = 0;
    const account = { projectId: 'p', clientEmail: 'push@example.com', key: privateKey, keyId: 'kid1', tokenUri };
    shelf = new MemoryShelf();
    start = () =>
      new BearerTokens(
        assertionGrant(account),
        { tunnel: undefined },
        shelf,
        () => now,
        () => now - steps,
      );
    tokens = start();
  });

  afterEach(() => endpoint.close());

  /** Resolves after the request that `current` started. */
  const settled = (): Promise<unknown> => tokens.obtain();

  it('exchanges a signed assertion for a token', async () => {
    endpoint.answers = [granted('one')];
    expect(tokens.current()).toBeUndefined();
    expect(await tokens.obtain()).toEqual({ token: 'one' });
    expect(tokens.current()).toBe('one');

    const form = endpoint.forms[0]!;
    expect(form.get('grant_type')).toBe('urn:ietf:params:oauth:grant-type:jwt-bearer');
    const [header, claims, signature] = form.get('assertion')!.split('.');
    expect(decode(header)).toEqual({ alg: 'RS256', typ: 'JWT', kid: 'kid1' });
    expect(decode(claims)).toEqual({
      iss: 'push@example.com',
      scope: 'https://www.googleapis.com/auth/firebase.messaging',
      aud: tokenUri,
      iat: now / 1_000,
      exp: now / 1_000 + 3_600,
    });
    const signed = Buffer.from(`${header}.${claims}`);
    expect(verify('sha256', signed, publicKey, Buffer.from(signature!, 'base64url'))).toBe(true);
  });

  it('requests one token for any number of callers', async () => {
    endpoint.answers = [granted('one')];
    const grants = await Promise.all(Array.from({ length: 200 }, () => tokens.obtain()));
    expect(grants.every((grant) => 'token' in grant && grant.token === 'one')).toBe(true);
    expect(endpoint.forms).toHaveLength(1);
  });

  it('renews from 5 minutes before the end and uses the old token meanwhile', async () => {
    endpoint.answers = [granted('one', 3_600), granted('two')];
    await tokens.obtain();
    now += 55 * MINUTE_MS - 1;
    expect(tokens.current()).toBe('one');
    expect(tokens.current()).toBe('one');
    now += 1;
    expect(tokens.current()).toBe('one');
    expect(tokens.current()).toBe('one');
    await settled();
    expect(tokens.current()).toBe('two');
    expect(endpoint.forms).toHaveLength(2);
  });

  it('uses the old token until its end while renewing fails, and not longer', async () => {
    endpoint.answers = [granted('one', 3_600), [503, 'busy']];
    await tokens.obtain();
    now += 56 * MINUTE_MS;
    expect(tokens.current()).toBe('one');
    await settled();
    expect(tokens.current()).toBe('one');
    now += 4 * MINUTE_MS;
    expect(tokens.current()).toBeUndefined();
  });

  it('does not renew a short-lived token all the time', async () => {
    endpoint.answers = [granted('one', 40), granted('two', 40)];
    await tokens.obtain();
    now += 29_999;
    tokens.current();
    // A renewal would have reached the endpoint before this request.
    await fetch(tokenUri, { method: 'POST' });
    expect(endpoint.forms).toHaveLength(2);
  });

  it('drops a refused token, but not for the refusal of an older one', async () => {
    endpoint.answers = [granted('one'), granted('two')];
    await tokens.obtain();
    tokens.refuse('one');
    expect(tokens.current()).toBeUndefined();
    await tokens.obtain();
    tokens.refuse('one');
    expect(tokens.current()).toBe('two');
  });

  it('shares its token through the shelf until it is due', async () => {
    endpoint.answers = [granted('one', 3_600), granted('two', 3_600)];
    await tokens.obtain();
    now += 55 * MINUTE_MS - 1;
    expect(await start().obtain()).toEqual({ token: 'one' });
    now += 1;
    const late = start();
    expect(await late.obtain()).toEqual({ token: 'two' });
    expect(tokens.current()).toBe('one');
    await settled();
    expect(tokens.current()).toBe('two');
    expect(endpoint.forms).toHaveLength(2);
  });

  it('requests one new token for all callers whose token was refused', async () => {
    endpoint.answers = [granted('one'), granted('two')];
    const other = start();
    await tokens.obtain();
    await other.obtain();
    now += 1;
    tokens.refuse('one');
    other.refuse('one');
    expect(await tokens.obtain()).toEqual({ token: 'two' });
    expect(await other.obtain()).toEqual({ token: 'two' });
    expect(endpoint.forms).toHaveLength(2);
  });

  it('requests a token without the shelf if the shelf is unreachable', async () => {
    endpoint.answers = [granted('one')];
    shelf.away = true;
    expect(await tokens.obtain()).toEqual({ token: 'one' });
    expect(tokens.current()).toBe('one');
  });

  it('a credential with another secret does not find the token', () => {
    const nameFor = (clientSecret: string): string =>
      clientGrant({ kind: 'oauth', appId: '1', clientId: '2', clientSecret }, 'https://o.example/t').name;
    expect(nameFor('right')).not.toBe(nameFor('wrong'));
    expect(nameFor('right')).toBe(nameFor('right'));
    expect(nameFor('right')).not.toContain('right');
  });

  it('stops once for a refusal and asks again after the wait, because the setting may be corrected', async () => {
    const refused: [number, string] = [400, '{"error":"invalid_scope"}'];
    endpoint.answers = [refused, refused, granted('one')];
    const reason = 'token endpoint: invalid_scope';
    const together = await Promise.all([tokens.obtain(), tokens.obtain()]);
    expect(together).toEqual(Array(2).fill({ verdict: { action: 'stopApplication', reason } }));
    now += 999;
    const within = { verdict: { action: 'retryBackoff', reason, floorMs: 1_000, capMs: 60_000 } };
    expect(await tokens.obtain()).toEqual(within);
    now += 1;
    expect(await tokens.obtain()).toEqual({ token: 'one' });
  });

  it('waits 1 s after a failure, doubling to 60 s, and starts again after a success', async () => {
    endpoint.answers = [[500, ''], [500, ''], granted('one'), [500, '']];
    const failed = {
      verdict: { action: 'retryBackoff', reason: 'token endpoint: HTTP 500', floorMs: 1_000, capMs: 60_000 },
    };
    expect(await tokens.obtain()).toEqual(failed);
    now += 999;
    expect(await tokens.obtain()).toEqual(failed);
    expect(endpoint.forms).toHaveLength(1);
    now += 1;
    await tokens.obtain();
    now += 1_999;
    await tokens.obtain();
    expect(endpoint.forms).toHaveLength(2);
    now += 1;
    expect(await tokens.obtain()).toEqual({ token: 'one' });
    tokens.refuse('one');
    for (let asked = 4; asked <= 12; asked++) {
      await tokens.obtain();
      expect(endpoint.forms).toHaveLength(asked);
      now += Math.min(60_000, 1_000 * 2 ** (asked - 4));
    }
  });

  it.each([-60 * MINUTE_MS, 120 * MINUTE_MS])(
    'waits a full second after a failure while the clock steps by %d ms',
    async (step) => {
      endpoint.answers = [[503, ''], granted('one')];
      await tokens.obtain();
      now += step;
      steps += step;
      await tokens.obtain();
      expect(endpoint.forms).toHaveLength(1);
      now += 1_000;
      expect(await tokens.obtain()).toEqual({ token: 'one' });
    },
  );

  it('repeats a request before it believes a refusal', async () => {
    endpoint.answers = [[400, '{"error":"invalid_grant"}'], granted('one')];
    expect(await tokens.obtain()).toEqual({ token: 'one' });
  });

  it('stops the application on invalid_grant', async () => {
    endpoint.answers = [[400, '{"error":"invalid_grant","error_description":"Invalid JWT Signature."}']];
    const verdict = { action: 'stopApplication', reason: 'token endpoint: invalid_grant' };
    expect(await tokens.obtain()).toEqual({ verdict });
  });

  it.each([10, -10])("retries invalid_grant if the endpoint's clock is %d min ahead", async (minutes) => {
    endpoint.date = new Date(now + minutes * MINUTE_MS).toUTCString();
    endpoint.answers = [[400, '{"error":"invalid_grant"}'], granted('one')];
    const reason = `token endpoint: invalid_grant, by a clock 10 min ${minutes < 0 ? 'behind' : 'ahead of'} ours`;
    expect(await tokens.obtain()).toMatchObject({ verdict: { action: 'retryBackoff', reason } });
    now += 1_000;
    expect(await tokens.obtain()).toEqual({ token: 'one' });
  });

  it('an equal clock excuses no refusal, and a wrong clock excuses no unknown client', async () => {
    endpoint.date = new Date(now + MINUTE_MS).toUTCString();
    endpoint.answers = [[400, '{"error":"invalid_grant"}']];
    expect(await tokens.obtain()).toMatchObject({ verdict: { action: 'stopApplication' } });
    endpoint.date = new Date(now + 60 * MINUTE_MS).toUTCString();
    endpoint.answers = [[401, '{"error":"invalid_client"}']];
    expect(await start().obtain()).toMatchObject({ verdict: { action: 'stopApplication' } });
  });

  it('reads an unreachable endpoint as transient', async () => {
    await endpoint.close();
    const grant = await tokens.obtain();
    expect(grant).toMatchObject({ verdict: { action: 'retryBackoff', reason: 'token endpoint: ECONNREFUSED' } });
  });
});

describe('readTokenAnswer', () => {
  it.each([
    [200, '{"access_token":"t","expires_in":60}', { token: 't', expiresIn: 60 }],
    [200, '{"access_token":"t"}', { token: 't', expiresIn: 3_600 }],
    [200, '{"access_token":"t","expires_in":"60"}', { token: 't', expiresIn: 3_600 }],
  ])('reads %i %s as a token', (status, text, expected) => {
    expect(readTokenAnswer(status, text)).toEqual(expected);
  });

  it.each([
    [200, '{}', 'malformed answer'],
    [200, '<html>', 'malformed answer'],
    [200, '{"access_token":"a\\r\\nb"}', 'malformed answer'],
    [302, '', 'HTTP 302'],
    [408, '', 'HTTP 408'],
    [429, '{"error":"rate_limited"}', 'HTTP 429'],
    [500, '{"error":"invalid_grant"}', 'HTTP 500'],
    [503, '<html>', 'HTTP 503'],
    [401, '<html>', 'HTTP 401'],
    [403, '<html>', 'HTTP 403'],
    [404, '{}', 'HTTP 404'],
    [421, '{"error":"invalid_grant"}', 'HTTP 421'],
    [425, '', 'HTTP 425'],
  ])('reads %i %s as transient', (status, text, what) => {
    const verdict = { action: 'retryBackoff', reason: `token endpoint: ${what}`, floorMs: 1_000, capMs: 60_000 };
    expect(readTokenAnswer(status, text)).toEqual({ verdict });
  });

  it.each([
    [400, '{"error":"invalid_grant"}', 'invalid_grant'],
    [401, '{"error":"invalid_client"}', 'invalid_client'],
    [400, '{"error":"a text with push@example.com"}', 'HTTP 400'],
    [401, '', 'HTTP 401'],
  ])('%i %s stops the application', (status, text, what) => {
    const verdict = { action: 'stopApplication', reason: `token endpoint: ${what}` };
    expect(readTokenAnswer(status, text)).toEqual({ verdict });
  });
});
