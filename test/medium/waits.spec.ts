import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { SyslogReceiver } from '../../src/audit/syslog-receiver.js';
import type { AssertionRepository } from '../../src/auth/assertion.repository.js';
import { ClientAssertions } from '../../src/auth/client-assertions.js';
import type { ClientSnapshot } from '../../src/auth/client-snapshot.js';
import type { Sessions } from '../../src/auth/session/sessions.js';
import { Clock } from '../../src/common/clock.js';
import { Gather, RUN_MS } from '../../src/common/gather.js';
import { guardedLookup } from '../../src/common/public-address.js';
import { STILL_MS } from '../../src/common/rounds.js';
import { IdentityProvider } from '../../src/console/people/identity-provider.js';
import { SILENCE_MS as DATABASE_SILENCE_MS, STATEMENT_MS, newPool } from '../../src/database/connection.js';
import { openDatabase } from '../../src/database/database.js';
import type { Database } from '../../src/database/database.js';
import { PushPool } from '../../src/http2/pool.js';
import { BearerTokens } from '../../src/providers/shared/bearer-tokens.js';
import { Http1Client } from '../../src/providers/shared/http1-client.js';
import { speaksHttp2 } from '../../src/providers/web-push/web-push.alpn.js';
import { Queues } from '../../src/queue/queue.js';
import { SILENCE_MS as REDIS_SILENCE_MS } from '../../src/queue/redis-client.js';
import { MemoryShelf } from '../harness/memory-shelf.js';

/**
 * Every wait for another server has a deadline: each case has the wait, the bound of the code, and a peer that accepts
 * the connection and never answers. Waits inside of one process (a run of many callers, a round) are bounded by RUN_MS
 * and STILL_MS.
 */

let silent: Server;
let address: string;
const sockets = new Set<Socket>();
beforeAll(async () => {
  silent = createServer((socket) => void sockets.add(socket.on('error', () => undefined)));
  silent.listen(0, '127.0.0.1');
  await once(silent, 'listening');
  address = `127.0.0.1:${(silent.address() as AddressInfo).port}`;
});
afterAll(() => {
  for (const socket of sockets) socket.destroy();
  silent.close();
});

/** For a busy machine, beside the bound of the code. */
const SLACK_MS = 10_000;

interface Wait {
  boundMs: number;
  /** Settles when the wait is over; its result does not count. */
  wait: () => Promise<unknown>;
}

const body = Buffer.from('{}');

/**
 * In the order in which a message passes them. Servers that answer and then stop are tested with silent proxies
 * (unavailable.spec.ts).
 */
const WAITS: Record<string, Wait> = {
  'a start for its database': {
    boundMs: 5_000,
    wait: () => openDatabase({ databaseUrl: `postgres://me@${address}/none`, dataDir: '' }),
  },
  'a statement for a connection': {
    boundMs: 5_000,
    wait: () => {
      const [host, port] = address.split(':') as [string, string];
      return newPool({ host, port: Number(port), user: 'me' }, { max: 1, searchPath: 'public' }).query('select 1');
    },
  },
  'a start for its queue': {
    boundMs: 5_000,
    wait: () => Queues.open({ queueUrl: `redis://${address}` }, {} as Database, () => undefined),
  },
  'an HTTP/2 provider (APNs, FCM, Web Push)': {
    boundMs: 15_000,
    wait: () => new PushPool({ origin: `http://${address}` }).send({ path: '/', constant: [], body }),
  },
  'an HTTP/1 provider (WNS, HMS), a webhook': {
    boundMs: 15_000,
    wait: () => new Http1Client({ tunnel: undefined, maxConnections: 1 }).post(`http://${address}/`, {}, body),
  },
  'an upstream': {
    boundMs: 30_000,
    wait: () =>
      new Http1Client({ tunnel: undefined, maxConnections: 1, deadlineMs: 30_000 }).post(
        `http://${address}/`,
        {},
        body,
      ),
  },
  'a token endpoint': {
    boundMs: 15_000,
    wait: () =>
      new BearerTokens(
        { name: 'test', url: `https://${address}/token`, form: () => ({}) },
        { tunnel: undefined },
        new MemoryShelf(),
      ).obtain(),
  },
  'an origin of Web Push for its protocol': {
    boundMs: 10_000,
    wait: () => speaksHttp2(`https://${address}`, { tunnel: undefined, lookup: guardedLookup(true) }),
  },
  'the keys of a client': {
    boundMs: 5_000,
    wait: () => {
      const client = { id: 'c', enabled: true, jwks: null, jwksUri: `http://${address}/keys` };
      const assertions = new ClientAssertions(
        { find: () => client } as unknown as ClientSnapshot,
        {} as AssertionRepository,
        new Clock(),
        { environment: 'development', publicUrl: 'http://x', runtimeName: 'mfp', providerCa: undefined },
      );
      const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
      return assertions.read(`${part({ alg: 'ES256', kid: 'k' })}.${part({ sub: 'c' })}.AAAA`);
    },
  },
  'the identity provider': {
    boundMs: 5_000,
    wait: () => {
      const issuer = `http://${address}`;
      const people = { issuer, clientId: 'c', clientSecret: 's', scope: 'openid', rolesClaim: 'roles', roles: [] };
      const provider = new IdentityProvider({ people, providerCa: undefined }, new Clock(), {} as Sessions);
      return provider.signInAddress({ state: 's', nonce: 'n', verifier: 'v'.repeat(43) }, 'http://localhost/callback');
    },
  },
  'the receiver of the audit': {
    boundMs: 10_000,
    wait: () => {
      const [host = '', port] = address.split(':');
      return new SyslogReceiver({ host, port: Number(port) }).deliver([]);
    },
  },
  'callers of a shared run': {
    boundMs: RUN_MS,
    wait: () => new Gather<number, number>(() => new Promise<never>(() => undefined), 1).add(1),
  },
};

it('each wait for a silent peer ends within its bound', { timeout: 90_000 }, async () => {
  const over = await Promise.all(
    Object.entries(WAITS).map(async ([name, { boundMs, wait }]) => {
      const begun = performance.now();
      await wait().catch(() => undefined);
      const ms = performance.now() - begun;
      // A wait that ends at once was not for the peer.
      return ms > boundMs + SLACK_MS || ms < boundMs / 2 ? `${name}: ${Math.round(ms)} ms instead of ${boundMs}` : [];
    }),
  );
  expect(over.flat()).toEqual([]);
});

it('each bound leaves room for the next, and callers are answered within 30 s', () => {
  expect([STATEMENT_MS, DATABASE_SILENCE_MS, RUN_MS, 30_000, STILL_MS]).toEqual(
    [STATEMENT_MS, DATABASE_SILENCE_MS, RUN_MS, 30_000, STILL_MS].toSorted((a, b) => a - b),
  );
  expect(REDIS_SILENCE_MS).toBeLessThan(30_000);
});
