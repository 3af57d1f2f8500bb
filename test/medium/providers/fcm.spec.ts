import { generateKeyPairSync } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { FcmProvider } from '../../../src/providers/fcm/fcm.provider.js';
import { MemoryShelf } from '../../harness/memory-shelf.js';
import { type Answer, type Push, PushPeer } from './push-peer.js';
import { collect, notification, recipients, tally } from './sending.js';

const KEY = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs8', format: 'pem' });
const OK: Answer = { status: 200, body: { name: 'projects/acme-1/messages/1' } };
const UNAUTHENTICATED: Answer = { status: 401, body: { error: { code: 401, status: 'UNAUTHENTICATED' } } };

describe('FCM', () => {
  const open: { close(): Promise<unknown> }[] = [];

  afterEach(async () => {
    for (const each of open.splice(0).reverse()) await each.close();
  });

  /** A token endpoint with numbered tokens from 1, or one that answers `refusal`. */
  async function startTokens(refusal?: [status: number, body: string]) {
    const issued: string[] = [];
    const server: Server = createServer((request, response) => {
      request.resume().on('end', () => {
        issued.push(`token-${issued.length + 1}`);
        const granted = JSON.stringify({ access_token: issued.at(-1), expires_in: 3_599, token_type: 'Bearer' });
        const [status, body] = refusal ?? [200, granted];
        response.writeHead(status).end(body);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    open.push({ close: () => new Promise((resolve) => server.close(resolve)) });
    return { issued, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/token` };
  }

  async function start(answer: (push: Push) => Answer, refusal?: [status: number, body: string]) {
    const tokens = await startTokens(refusal);
    // FCM's limit of streams per connection.
    const peer = await PushPeer.start(answer, 100);
    open.push(peer);
    const provider = new FcmProvider({ url: peer.url, ca: peer.ca });
    const account = {
      project_id: 'acme-1',
      client_email: 'push@acme-1.iam.gserviceaccount.com',
      private_key: KEY,
      token_uri: tokens.url,
    };
    const sender = provider.open(provider.parseSettings(account), new MemoryShelf());
    open.push(sender);
    return { peer, tokens, sender };
  }

  it("limits the retries to the caller's time to live", async () => {
    const { sender } = await start(() => ({ status: 503 }));
    const message = { ...notification(), gcm: { timeToLive: 0 } };
    expect(await collect(sender, recipients(1), { message })).toMatchObject([{ action: 'retryBackoff', lifeMs: 0 }]);
    expect((await collect(sender, recipients(1)))[0]).not.toHaveProperty('lifeMs');
  });

  it('posts one message to each device with one access token', async () => {
    const { peer, tokens, sender } = await start(() => OK);
    expect(tally(await collect(sender, recipients(30)))).toEqual({ accept: 30 });
    expect(tokens.issued).toEqual(['token-1']);
    const { path, headers } = peer.pushes[0]!;
    expect(path).toBe('/v1/projects/acme-1/messages:send');
    expect(headers).toMatchObject({ authorization: 'Bearer token-1', 'content-type': 'application/json' });
    const messages = peer.pushes.map(({ body }) => (JSON.parse(body) as { message: Record<string, unknown> }).message);
    expect(messages.map(({ token }) => token).sort()).toEqual(recipients(30).map(({ token }) => token));
    expect(messages[0]).toMatchObject({ android: { collapse_key: 'fnDWK8bG' }, data: { nid: 'fnDWK8bG' } });
  });

  it('renews a refused access token once for 200 simultaneous deliveries', async () => {
    let refused: string | undefined;
    const { peer, tokens, sender } = await start(({ headers }) =>
      headers.authorization === refused ? UNAUTHENTICATED : OK,
    );
    await collect(sender, recipients(10));
    refused = 'Bearer token-1';
    expect(tally(await collect(sender, recipients(200)))).toEqual({ accept: 200 });
    expect(tokens.issued).toEqual(['token-1', 'token-2']);
    expect(peer.seen('authorization')).toEqual(['Bearer token-1', 'Bearer token-2']);
  });

  it('stops if another access token does not help, and writes no more', async () => {
    const { tokens, sender } = await start(() => UNAUTHENTICATED);
    const verdicts = tally(await collect(sender, recipients(2_000)));
    expect(Object.keys(verdicts).sort()).toEqual(['notSent', 'stopApplication UNAUTHENTICATED']);
    expect(verdicts.notSent).toBeGreaterThanOrEqual(1_500);
    // Which delivery gets the second and which the third refusal is a race; one per delivery must not happen.
    expect(tokens.issued.length).toBeLessThanOrEqual(3);
  });

  it('retries all deliveries if the token endpoint fails, and writes nothing', async () => {
    const { peer, tokens, sender } = await start(() => OK, [503, 'busy']);
    expect(tally(await collect(sender, recipients(700)))).toEqual({ 'retryBackoff token endpoint: HTTP 503': 700 });
    expect(tokens.issued).toHaveLength(1);
    expect(peer.pushes).toEqual([]);
  });

  it('stops if the token endpoint refuses the key, and writes nothing', async () => {
    const { peer, sender } = await start(() => OK, [400, '{"error":"invalid_grant"}']);
    const verdicts = tally(await collect(sender, recipients(700)));
    expect(verdicts).toEqual({ 'stopApplication token endpoint: invalid_grant': 1, notSent: 699 });
    expect(peer.pushes).toEqual([]);
  });

  it('sends nothing and requests no token after an abort', async () => {
    const { tokens, sender } = await start(() => OK);
    expect(tally(await collect(sender, recipients(3), { signal: AbortSignal.abort() }))).toEqual({ notSent: 3 });
    expect(tokens.issued).toEqual([]);
  });
});
