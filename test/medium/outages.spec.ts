import { Logger } from '@nestjs/common';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'kysely';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { ProviderStatusRepository } from '../../src/applications/provider-status.repository.js';
import { AuditSender } from '../../src/audit/audit-sender.js';
import { ChainRepository } from '../../src/audit/chain.repository.js';
import { OutboxRepository } from '../../src/audit/outbox.repository.js';
import { AuditRepository } from '../../src/auth/audit.repository.js';
import type { Sessions } from '../../src/auth/session/sessions.js';
import { Clock } from '../../src/common/clock.js';
import { CALM_MS } from '../../src/common/outage.js';
import { readProxy } from '../../src/common/proxy.js';
import { tunnelThrough } from '../../src/common/tunnel.js';
import { Vault } from '../../src/common/vault.js';
import { IdentityProvider } from '../../src/console/people/identity-provider.js';
import { noFindings, note } from '../../src/delivery/deliver/findings.js';
import { StatusReporter } from '../../src/delivery/deliver/status-reporter.js';
import type { Verdict } from '../../src/providers/provider.js';
import { WebhookClient } from '../../src/webhooks/webhook-client.js';
import { WebhookEventRepository } from '../../src/webhooks/webhook-event.repository.js';
import { WebhookSender } from '../../src/webhooks/webhook-sender.js';
import { WebhookRepository } from '../../src/webhooks/webhook.repository.js';
import { CREDENTIALS, startConnectProxy } from '../harness/outgoing-proxy.js';
import { Room } from './delivery/room.js';

/** Each other server away, and back: one line when the outage begins, and one when it is over. */

const said: string[] = [];
const open: (() => unknown)[] = [];
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'], shouldAdvanceTime: true });
  said.length = 0;
  const tell = (line: unknown): void => void said.push(typeof line === 'string' ? line : (line as { msg: string }).msg);
  for (const level of ['log', 'warn', 'error'] as const) vi.spyOn(Logger.prototype, level).mockImplementation(tell);
});
afterEach(async () => {
  for (const close of open.splice(0).toReversed()) await close();
  vi.useRealTimers();
  vi.restoreAllMocks();
});

/** Fails twice and works twice: two lines in all. */
async function expectTwoLines(fail: () => unknown, work: () => unknown, begins: RegExp, ends: RegExp): Promise<void> {
  for (const act of [fail, fail]) await act();
  expect(said).toEqual([expect.stringMatching(begins)]);
  for (const act of [work, work]) await act();
  vi.advanceTimersByTime(CALM_MS);
  expect(said).toEqual([expect.stringMatching(begins), expect.stringMatching(ends)]);
}

async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  open.push(() => (server.closeAllConnections(), server.close()));
  return (server.address() as AddressInfo).port;
}

it.each([
  ['apns', 'apns'],
  ['upstream', 'The upstream of app'],
] as const)('a provider: %s', async (provider, name) => {
  const reporter = new StatusReporter({} as ProviderStatusRepository, new Clock());
  const see = (verdict: Verdict) => (): void => {
    const findings = noFindings();
    note(findings, verdict, 1, 0);
    reporter.note({ applicationId: 'app', provider, settingsVersion: 1 }, findings, () => ({
      connections: 0,
      streams: 0,
      inFlight: 0,
    }));
  };
  see({ action: 'fail', reason: 'PayloadTooLarge' })();
  expect(said).toEqual([]);
  await expectTwoLines(
    see({ action: 'held', reason: 'the host is left alone: HTTP 503', forMs: 1 }),
    see({ action: 'accept' }),
    new RegExp(`^${name} takes no messages: the host is left alone: HTTP 503$`),
    new RegExp(`^${name} takes messages again, after \\d s$`),
  );
});

it('the outgoing proxy, which is at fault for 407 and not for a host that it does not reach', async () => {
  const own = await startConnectProxy();
  open.push(() => own.stop());
  const port = await listen(createServer());
  const tunnel = (credentials: string) =>
    tunnelThrough({ proxy: readProxy(`http://${credentials}@127.0.0.1:${own.port}`, [])! })!;
  const connect = (credentials: string) => async (): Promise<void> => {
    const stream = tunnel(credentials)('localhost', port)!;
    await new Promise((resolve) => stream.once('error', resolve).once('connect', resolve).write('x', resolve));
    stream.on('error', () => undefined).destroy();
  };
  own.fault = 502;
  await connect(CREDENTIALS)();
  expect(said).toEqual([]);
  own.fault = undefined;
  await expectTwoLines(
    connect('push:hunter2'),
    connect(CREDENTIALS),
    new RegExp(`^The proxy 127.0.0.1:${own.port} opens no connections: answered 407$`),
    new RegExp(`^The proxy 127.0.0.1:${own.port} opens connections again, after \\d s$`),
  );
});

it('the identity provider', async () => {
  let isAway = true;
  const server = createServer((_request, response) => {
    if (isAway) return response.writeHead(503).end();
    return response
      .setHeader('content-type', 'application/json')
      .end(JSON.stringify({ issuer, authorization_endpoint: `${issuer}/auth`, token_endpoint: `${issuer}/token` }));
  });
  const issuer = `http://127.0.0.1:${await listen(server)}`;
  const people = { issuer, clientId: 'c', clientSecret: 's', scope: 'openid', rolesClaim: 'roles', roles: [] };
  const config = { people, providerCa: undefined, proxy: undefined };
  const clock = new Clock();
  const provider = new IdentityProvider(config, clock, {} as Sessions);
  let later = 0;
  // The provider is not asked again within two seconds.
  vi.spyOn(clock, 'elapsed').mockImplementation(() => (later += 3_000));
  const flow = { state: 's', nonce: 'n', verifier: 'v'.repeat(43) };
  const sign = () => provider.signInAddress(flow, 'http://localhost/callback');
  await expectTwoLines(
    () => expect(sign()).rejects.toMatchObject({ problem: 'providerAway' }),
    () => ((isAway = false), sign()),
    new RegExp(`^The identity provider ${issuer} cannot be reached: .+`),
    new RegExp(`^The identity provider ${issuer} answers again, after \\d s$`),
  );
});

it('the receiver of the audit', async () => {
  const room = await Room.open();
  open.push(() => room.remove());
  const [events, chain] = [new AuditRepository(room.database), new ChainRepository(room.database)];
  const outbox = new OutboxRepository(room.database);
  const folder = mkdtempSync(join(tmpdir(), 'carillon-siem-'));
  open.push(() => rmSync(folder, { recursive: true }));
  const place = join(folder, 'place');
  writeFileSync(place, '');
  const sender = new AuditSender({ audit: { file: join(place, 'audit'), retentionDays: 0 } }, outbox);
  await outbox.setReceiver('file');
  const act = async (): Promise<void> => {
    await events.record(
      { clientId: 'ann', address: '', userAgent: '' },
      { action: 'tag.create', subject: 's', detail: {} },
    );
    while (await chain.chainSome());
    await sender.send();
  };
  await expectTwoLines(
    act,
    () => {
      rmSync(place, { recursive: true });
      mkdirSync(place);
      return act();
    },
    /^The receiver of AUDIT_SYSLOG_URL or AUDIT_FILE takes no events: .*ENOTDIR/,
    /^The receiver of AUDIT_SYSLOG_URL or AUDIT_FILE takes events again, after \d s$/,
  );
});

it('the endpoint of a webhook', async () => {
  const room = await Room.open();
  open.push(() => room.remove());
  const vault = new Vault(Buffer.alloc(32));
  let status = 500;
  const port = await listen(createServer((_request, response) => response.writeHead(status).end()));
  const outbox = new WebhookEventRepository(room.database, vault, { retention: { webhookEventDays: 3 } } as never);
  const client = new WebhookClient({ webhooks: { allowPrivate: true } }, new Clock());
  open.push(() => client.onApplicationShutdown());
  const sender = new WebhookSender(client, outbox, new Clock());
  const applicationId = await room.addApplication();
  const url = `http://127.0.0.1:${port}/`;
  await new WebhookRepository(room.database, vault).add(
    applicationId,
    { name: 'crm', url, eventTypes: ['onDeviceRegister'], labels: null, campaigns: null },
    'hush',
  );
  const deliver = async (): Promise<void> => {
    await sql`delete from device`.execute(room.database.kysely);
    await room.addDevices(applicationId, 1);
    await sql`update webhook set next_at = now()`.execute(room.database.kysely);
    await sql`update webhook_event set retry_at = now()`.execute(room.database.kysely);
    sender.look();
    await sender.idle();
  };
  await expectTwoLines(
    deliver,
    () => ((status = 200), deliver()),
    new RegExp(`^Webhook crm of application ${applicationId} fails: answered 500$`),
    new RegExp(`^Webhook crm of application ${applicationId} takes events again, after \\d s$`),
  );
});
