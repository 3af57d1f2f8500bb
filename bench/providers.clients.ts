/**
 * The senders that `providers.ts` compares, each run in a process of its own: `providers.clients.ts name job`, where
 * the job is JSON. Each takes what its user has (a notification and device tokens) and does all of the work to an
 * outcome.
 */
import { createECDH, randomBytes } from 'node:crypto';
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import { Agent } from 'node:https';
import { ApnsProvider } from '../src/providers/apns/apns.provider.js';
import { FcmProvider } from '../src/providers/fcm/fcm.provider.js';
import type { Notification } from '../src/providers/notification.js';
import type { Recipient, Sender } from '../src/providers/provider.js';
import { WebPushProvider } from '../src/providers/web-push/web-push.provider.js';
import { MemoryShelf } from '../test/harness/memory-shelf.js';

/** Devices per call: a batch of the product; firebase-admin accepts at most 500. */
const BATCH = 500;
/** Concurrent calls, so that a sender never waits idly for the slowest of a batch. */
const CALLS_AT_ONCE = 2;
const TEXT = { title: 'Hello', body: 'x'.repeat(150) };
/** Browsers created before the measurement: so many that a cache of one does not help the next. */
const SUBSCRIPTIONS = 10_000;
/** Concurrent requests of a client with one connection for each. */
const CONNECTIONS = 32;
const BUNDLE = 'com.example.app';

export interface Job {
  origin: string;
  /** Path of the certificate to trust. */
  ca: string;
  total: number;
  apnsKey: { key: string; keyId: string; teamId: string };
  serviceAccount: { project_id: string; client_email: string; private_key: string; token_uri: string };
  /** Subject, publicKey, privateKey. */
  vapid: Record<string, unknown>;
}

export interface Measured {
  perSecond: number;
  /** CPU of the sender's process, user and system, microseconds per delivery. */
  cpuUs: number;
  /** Deliveries that were not accepted. */
  failed: number;
}

interface Client {
  /** Device tokens; without it 64 hex digits. */
  tokenOf?: (device: number) => string;
  /** Sends one notification to all tokens; returns the number of accepted ones. */
  send(tokens: readonly string[], n: number): Promise<number>;
  close(): Promise<unknown>;
}

/** One entry per sender. Senders of other projects are in bench/package.json and have no types here. */
const CLIENTS: Record<string, (job: Job) => Client | Promise<Client>> = {
  'carillon apns': ({ origin, ca, apnsKey }) => {
    const provider = new ApnsProvider({ productionUrl: origin, sandboxUrl: origin, ca: readFileSync(ca, 'utf8') });
    return carillon(provider.open(provider.parseSettings({ ...apnsKey, bundleId: BUNDLE }), new MemoryShelf()));
  },
  'carillon fcm': ({ origin, ca, serviceAccount }) => {
    const provider = new FcmProvider({ url: origin, ca: readFileSync(ca, 'utf8') });
    return carillon(provider.open(provider.parseSettings({ ...serviceAccount }), new MemoryShelf()));
  },
  'carillon web-push': ({ origin, ca, vapid }) => {
    const provider = new WebPushProvider({ ca: readFileSync(ca, 'utf8'), allowPrivate: true });
    const sender = provider.open(provider.parseSettings(vapid));
    return { ...carillon(sender, 'WEB_CHROME'), tokenOf: subscribe(origin) };
  },
  '@parse/node-apn': nodeApn,
  'firebase-admin': firebaseAdmin,
  'web-push': webPush,
};

function carillon(sender: Sender, platform = 'A'): Client {
  const signal = new AbortController().signal;
  return {
    async send(tokens, n) {
      const message: Notification = {
        messageId: `m${n}`,
        collapseId: `m${n}`,
        alert: TEXT.body,
        expiresAt: Date.now() + 3_600_000,
        apns: { title: TEXT.title },
        gcm: { androidTitle: TEXT.title },
        chromeWeb: { title: TEXT.title },
      };
      const recipients: Recipient[] = tokens.map((token) => ({ token, platform, registeredAt: 0 }));
      let accepted = 0;
      await sender.send(
        message,
        recipients,
        (_, verdict) => void (accepted += Number(verdict.action === 'accept')),
        signal,
      );
      return accepted;
    },
    close: () => sender.close(),
  };
}

async function nodeApn({ origin, ca, apnsKey }: Job): Promise<Client> {
  const name = '@parse/node-apn';
  const { default: apn } = (await import(name)) as { default: NodeApn };
  const { hostname: address, port } = new URL(origin);
  const { key, keyId, teamId } = apnsKey;
  const trusted = readFileSync(ca, 'utf8');
  const provider = new apn.Provider({
    token: { key, keyId, teamId },
    address,
    port: Number(port),
    ca: trusted,
    production: true,
  });
  return {
    async send(tokens, n) {
      const notification = new apn.Notification({
        alert: TEXT,
        topic: BUNDLE,
        pushType: 'alert',
        collapseId: `m${n}`,
        expiry: Math.floor(Date.now() / 1000) + 3600,
        payload: { nid: `m${n}` },
      });
      return (await provider.send(notification, [...tokens])).sent.length;
    },
    close: () => new Promise<void>((resolve) => provider.shutdown(resolve)),
  };
}

interface NodeApn {
  Provider: new (options: object) => {
    send(notification: object, tokens: string[]): Promise<{ sent: object[] }>;
    shutdown(done: () => void): void;
  };
  Notification: new (fields: object) => object;
}

/**
 * firebase-admin supports one host only. Here its `http2.connect` connects to the sink; everything else is unchanged.
 * The access token comes from our own credential, so its token request is not in the figures (ours is).
 */
async function firebaseAdmin({ origin, ca, serviceAccount }: Job): Promise<Client> {
  const http2 = createRequire(import.meta.url)('node:http2') as typeof import('node:http2');
  const { connect } = http2;
  const trusted = readFileSync(ca, 'utf8');
  http2.connect = ((_authority: string, options: object) => {
    const session = connect(origin, { ...options, ca: trusted });
    const request = session.request.bind(session);
    // This client sends `:scheme: https:` with a colon, which Google's servers accept and nginx does not.
    session.request = (headers: object = {}, ...rest) => request({ ...headers, ':scheme': 'https' }, ...rest);
    return session;
  }) as typeof connect;
  const [app, messaging] = ['firebase-admin/app', 'firebase-admin/messaging'];
  const { initializeApp } = (await import(app)) as { initializeApp: (options: object) => object };
  const { getMessaging } = (await import(messaging)) as { getMessaging: (app: object) => FirebaseMessaging };
  const credential = { getAccessToken: () => Promise.resolve({ access_token: 'a'.repeat(200), expires_in: 3600 }) };
  const service = getMessaging(initializeApp({ credential, projectId: serviceAccount.project_id }));
  return {
    async send(tokens, n) {
      const android = { collapseKey: `m${n}`, ttl: 3_600_000, notification: { tag: `m${n}` } };
      const message = { notification: TEXT, data: { nid: `m${n}` }, android };
      return (await service.sendEach(tokens.map((token) => ({ ...message, token })))).successCount;
    },
    close: () => Promise.resolve(),
  };
}

interface FirebaseMessaging {
  sendEach(messages: object[]): Promise<{ successCount: number }>;
}

/**
 * web-push opens a connection for each message unless it gets an agent; here the agent keeps connections, with as many
 * concurrent messages: twice as many were not faster. Everything else is unchanged, including an `authorization` signed
 * for each message.
 */
async function webPush({ origin, ca, vapid }: Job): Promise<Client> {
  const name = 'web-push';
  const { default: webpush } = (await import(name)) as { default: WebPush };
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS, ca: readFileSync(ca, 'utf8') });
  const tokenOf = subscribe(origin);
  return {
    tokenOf,
    async send(tokens, n) {
      const id = `m${n}`;
      const payload = JSON.stringify({ nid: id, alert: TEXT.body, title: TEXT.title, payload: { tag: id, nid: id } });
      const options = { vapidDetails: vapid, TTL: 3600, urgency: 'high', topic: id, agent };
      const waiting = tokens.values();
      let accepted = 0;
      const lane = async (): Promise<void> => {
        for (const token of waiting) {
          const sent = webpush.sendNotification(JSON.parse(token) as object, payload, options);
          // This client rejects for every answer without success.
          const answer = await sent.catch(() => undefined);
          accepted += Number(answer?.statusCode === 201);
        }
      };
      await Promise.all(Array.from({ length: CONNECTIONS / CALLS_AT_ONCE }, lane));
      return accepted;
    },
    close: () => Promise.resolve(agent.destroy()),
  };
}

interface WebPush {
  sendNotification(subscription: object, payload: string, options: object): Promise<{ statusCode: number }>;
}

/** Creates browsers with their own keys, in the form of a page's `PushSubscription.toJSON()`. */
function subscribe(origin: string): (device: number) => string {
  const tokens = Array.from({ length: SUBSCRIPTIONS }, (_, device) => {
    const p256dh = createECDH('prime256v1').generateKeys('base64url');
    const auth = randomBytes(16).toString('base64url');
    // The length of Google's endpoints: some 140 characters for the browser.
    const endpoint = `${origin}/wpush/${String(device).padStart(140, '0')}`;
    return JSON.stringify({ endpoint, expirationTime: null, keys: { p256dh, auth } });
  });
  return (device) => tokens[device % SUBSCRIPTIONS]!;
}

/** Sends `total` deliveries in batches, and returns how many were not accepted. */
async function drive(client: Client, total: number): Promise<number> {
  const tokenOf = client.tokenOf ?? ((device: number) => device.toString(16).padStart(64, '0'));
  let next = 0;
  let accepted = 0;
  const lane = async (): Promise<void> => {
    while (next < total) {
      const from = next;
      next = Math.min(total, from + BATCH);
      const tokens = Array.from({ length: next - from }, (_, i) => tokenOf(from + i));
      const taken = await client.send(tokens, from);
      accepted += taken;
    }
  };
  await Promise.all(Array.from({ length: CALLS_AT_ONCE }, lane));
  return total - accepted;
}

const [name, json] = process.argv.slice(2);
const job = JSON.parse(json!) as Job;
const client = await CLIENTS[name!]!(job);
// Connections, the compiler and the peer's table are warm before the clock starts.
let failed = await drive(client, Math.ceil(job.total / 5));
const cpu = process.cpuUsage();
const started = performance.now();
failed += await drive(client, job.total);
const seconds = (performance.now() - started) / 1000;
const { user, system } = process.cpuUsage(cpu);
const measured: Measured = { perSecond: job.total / seconds, cpuUs: (user + system) / job.total, failed };
console.log(JSON.stringify(measured));
await client.close();
process.exit();
