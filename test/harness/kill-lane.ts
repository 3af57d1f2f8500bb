import { createHash, randomUUID } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { openDatabase } from '../../src/database/database.js';
import type { RunningSimulators } from '../simulators/client.js';
import { Api } from './api.js';
import type { MessageReport } from './api.js';
import { startCarillon } from './carillon.js';
import type { RunningCarillon } from './carillon.js';
import { EventReceiver } from './event-receiver.js';
import { freePort } from './servers.js';

export interface KillAt {
  step: string;
  when: 'before' | 'after';
  /** The number of the call since the order was given, from 1. */
  nth: number;
}

/** Requests that a case has sent so far. */
export interface Sent {
  messageId: string;
  /** Tokens of the audience. */
  tokens: readonly string[];
}

export interface OutcomeEvent {
  type: string;
  id: string;
  data: { messageId?: string; campaignId?: string; deliveries?: { deviceId: string }[] };
}

/** More than one batch, so that a message is expanded, finishes in parts, and is settled with the last one. */
export const CROWD = 1_010;
const PRELOAD = fileURLToPath(new URL('./kill-steps.mjs', import.meta.url));
const APPLICATION = 'com.example.app';
const PATIENCE_MS = 60_000;
const NEAR_MS = 3_000;
const TYPES = 'message.*,delivery.*,campaign.run.*';

/**
 * One deployment of the whole program, which is killed at a step and started again, case after case: the process that
 * recovers from one kill is hit by the next.
 */
export class KillLane {
  readonly tokens: string[];
  private readonly order = join(tmpdir(), `carillon-kill-${randomUUID()}`);
  private carillon: RunningCarillon | null = null;
  private api!: Api;
  private url!: string;
  private cursor = '';
  private readonly receiver = new EventReceiver();

  private constructor(
    private readonly environment: Record<string, string>,
    private readonly simulators: RunningSimulators,
  ) {
    const name = randomUUID();
    const hash = (index: number): string => createHash('sha256').update(`${name} ${index}`).digest('hex').slice(1);
    this.tokens = Array.from({ length: CROWD }, (_, index) => `a${hash(index)}`);
  }

  static async open(environment: Record<string, string>, simulators: RunningSimulators): Promise<KillLane> {
    const port = await freePort();
    const here = { APNS_URL: simulators.apns.url, WEBHOOK_ALLOW_PRIVATE: 'true', PORT: String(port) };
    const lane = new KillLane({ ...environment, ...here }, simulators);
    lane.url = `http://127.0.0.1:${port}`;
    await lane.prepare().catch(async (error: unknown) => {
      await lane.close();
      throw error;
    });
    return lane;
  }

  private async prepare(): Promise<void> {
    const url = await this.receiver.start();
    await this.start();
    this.api = await Api.connect(this.url);
    await this.putSettings();
    await this.api.app('PUT', '/events/feed', { eventTypes: TYPES });
    await this.api.app('POST', '/webhooks', { name: 'told', url, eventTypes: TYPES });
    await this.carillon?.stop();
    await this.withTables([
      `delete from device`,
      `insert into device (application_id, device_id, platform, provider, token, token_hash, registered_at, updated_at)
       select '${APPLICATION}', 'device-' || position, 'A', 'apns', token, sha256(token::bytea), now(), now()
       from unnest('{${this.tokens.join(',')}}'::text[]) with ordinality as given (token, position)`,
      `insert into tag (application_id, name, description, updated_at) values ('${APPLICATION}', 'few', '', now())
       on conflict do nothing`,
      `insert into subscription (application_id, tag_name, device_seq)
       select application_id, 'few', seq from device where device_id in ('device-2', 'device-3', 'device-4')`,
    ]);
    await this.start();
  }

  /**
   * Sends to all devices, to a few devices whose batch is stored at once, and to one device id. One device is invalid
   * and registers again before the next case.
   */
  async sendPlainly(): Promise<Sent[]> {
    await this.bury();
    const [everybody, few, one] = await Promise.all([
      this.send({ message: { alert: 'everybody' } }),
      this.send({ message: { alert: 'a few' }, target: { tagNames: ['few'] } }),
      this.send({ message: { alert: 'one' }, target: { deviceIds: ['device-7'] } }),
    ]);
    return [
      { messageId: everybody, tokens: this.tokens },
      { messageId: few, tokens: this.tokens.slice(1, 4) },
      { messageId: one, tokens: [this.tokens[6] ?? ''] },
    ];
  }

  /** The provider refuses our key once, which pauses the application until its settings are stored again. */
  async sendIntoTrouble(): Promise<Sent[]> {
    const token = this.tokens[8] ?? '';
    const refusal = { status: 403, reason: 'InvalidProviderToken' };
    await this.simulators.admin.appendFaults([{ match: { token }, action: refusal, times: 1 }]);
    const messageId = await this.send({ message: { alert: 'trouble' }, target: { deviceIds: ['device-9'] } });
    return [{ messageId, tokens: [token] }];
  }

  /** Sends to one device by a campaign that fires soon. */
  async sendByCampaign(): Promise<Sent[]> {
    const at = new Date(Date.now() + NEAR_MS).toISOString();
    const content = { message: { alert: 'on time' } };
    const campaign = { name: 'kill', content, target: { deviceIds: ['device-8'] }, schedule: { at: [at] } };
    const path = await persist(async () => {
      const { body } = await this.api.app<{ campaignId: string }>('POST', '/campaigns', campaign);
      return `/campaigns/${body.campaignId}`;
    });
    await persist(() => this.api.app('POST', `${path}/activate`));
    const messages = await persist(() => this.readRun(path));
    if (messages.length !== 1) throw new Error(`one firing made ${messages.length} messages`);
    return messages.map(({ messageId }) => ({ messageId, tokens: [this.tokens[7] ?? ''] }));
  }

  /** Sends to all devices and to one device id, scheduled before the sweeper's next look in nine of ten cases. */
  async sendLater(): Promise<Sent[]> {
    await this.bury();
    const sendAt = new Date(Date.now() + 200).toISOString();
    const [everybody, one] = await Promise.all([
      this.send({ message: { alert: 'later' }, sendAt }),
      this.send({ message: { alert: 'one, later' }, sendAt, target: { deviceIds: ['device-7'] } }),
    ]);
    return [
      { messageId: everybody, tokens: this.tokens },
      { messageId: one, tokens: [this.tokens[6] ?? ''] },
    ];
  }

  /** Sends a broadcast and cancels it at once. */
  async sendAndCancel(): Promise<Sent[]> {
    const messageId = await this.send({ message: { alert: 'called off' } });
    await persist(async () => {
      const { status } = await this.api.app('DELETE', `/messages/${messageId}`);
      if (status >= 500) throw new Error(`cancel: ${status}`);
    });
    return [{ messageId, tokens: this.tokens }];
  }

  /**
   * Gives the kill order, then runs `play`, which has to survive the kill. Returns the result of `play` and the number
   * of deliveries in flight at the kill; null if the step was not reached.
   */
  async killDuring<T>(order: KillAt, play: () => Promise<T>): Promise<{ result: T; inFlight: number | null }> {
    const { carillon } = this;
    if (!carillon) throw new Error('nothing to kill');
    writeFileSync(this.order, JSON.stringify(order));
    const playing = play();
    // The caller that awaits the result below gets the failure.
    playing.catch(() => undefined);
    const killed = await Promise.race([carillon.exited.then(() => true), playing.then(() => false)]);
    rmSync(this.order, { force: true });
    const inFlight = killed ? await this.recover() : null;
    return { result: await playing, inFlight };
  }

  /** Waits until all messages have ended with nothing pending; ends a pause on the way. */
  async waitUntilEnded(sent: readonly Sent[]): Promise<MessageReport[]> {
    const deadline = Date.now() + PATIENCE_MS;
    for (;;) {
      const reports = await Promise.all(sent.map(({ messageId }) => persist(() => this.read(messageId))));
      if (reports.every(isEnded)) return reports;
      if (Date.now() > deadline) throw new Error(`never ended: ${JSON.stringify(reports)}`);
      if (reports.some(({ state }) => state === 'paused')) await persist(() => this.putSettings());
      await delay(100);
    }
  }

  /** How often each device's token was received. */
  async countReceived(messageId: string): Promise<Map<string, number>> {
    const counts = await this.simulators.admin.ledgerTokens('apns', messageId);
    return new Map(counts.map(({ token, count }) => [token, count]));
  }

  /** The events of messages, deliveries and campaigns since the last call, until each of these messages is finished. */
  async readEvents(sent: readonly Sent[]): Promise<OutcomeEvent[]> {
    const events: OutcomeEvent[] = [];
    const isTold = ({ messageId }: Sent): boolean =>
      events.some(({ type, data }) => type === 'message.finished' && data.messageId === messageId);
    const deadline = Date.now() + PATIENCE_MS;
    while (!sent.every(isTold)) {
      const after = this.cursor === '' ? '' : `after=${this.cursor}&`;
      const path = `/events?${after}types=${TYPES}&wait=5`;
      const { status, body } = await this.api.app<{ events: OutcomeEvent[]; cursor: string }>('GET', path);
      if (status !== 200) throw new Error(`events: ${status} ${JSON.stringify(body)}`);
      events.push(...body.events);
      this.cursor = body.cursor;
      if (Date.now() > deadline) throw new Error(`never told: ${JSON.stringify(events)}`);
    }
    return events;
  }

  /** The events that the webhook has posted since the last call, once these are among them. */
  async awaitPosted(events: readonly OutcomeEvent[]): Promise<OutcomeEvent[]> {
    const ids = events.map(({ id }) => id);
    return (await this.receiver.take(ids, PATIENCE_MS)).map(({ body }) => JSON.parse(body.toString()) as OutcomeEvent);
  }

  async close(): Promise<void> {
    await this.carillon?.kill();
    this.receiver.stop();
    rmSync(this.order, { force: true });
  }

  /** One device is invalid, and registers again before the next case. */
  private async bury(): Promise<void> {
    const [dead = ''] = this.tokens;
    await persist(() => this.api.registerDevices([{ deviceId: 'device-1', platform: 'A', token: dead }]));
    await this.simulators.admin.killTokens('apns', [dead], { timestamp: Date.now() + 86_400_000 });
  }

  /** Returns the number of deliveries in flight. */
  private async recover(): Promise<number> {
    const [held] = await this.withTables([
      `select coalesce(sum(counts[2]), 0)::int as held from batch where state = 'leased'`,
      // Simulates the time after which a lost worker, or a lost job, is noticed.
      `update message set accepted_at = accepted_at - interval '5 s' where finished_at is null`,
      `update batch set lease_until = now() - interval '1 s' where state = 'leased'`,
      `update batch set due_at = due_at - interval '5 s' where state = 'ready'`,
      `update webhook set lease_until = now() - interval '1 s', next_at = now()`,
    ]);
    await this.start();
    return Number(held?.held ?? 0);
  }

  private async start(): Promise<void> {
    this.carillon = await startCarillon({ ...this.environment, TEST_KILL_FILE: this.order }, ['--import', PRELOAD]);
  }

  private send(body: Record<string, unknown>): Promise<string> {
    const headers = { 'idempotency-key': randomUUID() };
    return persist(() => this.api.send(body, headers));
  }

  /** The messages of a campaign's only run. */
  private async readRun(path: string): Promise<{ messageId: string }[]> {
    const { body: listed } = await this.api.app<{ runs: { runId: string }[] }>('GET', `${path}/runs`);
    const [run, ...more] = listed.runs;
    if (!run) throw new Error('it has not fired yet');
    if (more.length > 0) throw new Error('it fired more than once');
    const { body } = await this.api.app<{ waves: { messages: { messageId: string }[] }[] }>(
      'GET',
      `${path}/runs/${run.runId}`,
    );
    return body.waves.flatMap((wave) => wave.messages);
  }

  private async read(messageId: string): Promise<MessageReport> {
    const { status, body } = await this.api.app<MessageReport>('GET', `/messages/${messageId}`);
    if (status !== 200) throw new Error(`read: ${status} ${JSON.stringify(body)}`);
    return body;
  }

  private async putSettings(): Promise<void> {
    const { key, keyId, teamId, bundleId } = this.simulators.credentials.apns;
    const { status } = await this.api.app('PUT', '/settings/apnsConf', { key, keyId, teamId, bundleId });
    if (status !== 200) throw new Error(`settings: ${status}`);
  }

  /**
   * Only while the program is stopped: the embedded database allows one process. Returns the first row of each
   * statement.
   */
  private async withTables(statements: readonly string[]): Promise<(Record<string, unknown> | undefined)[]> {
    const { DATABASE_URL: databaseUrl, DATA_DIR: dataDir = '' } = this.environment;
    const database = await openDatabase({ databaseUrl, dataDir });
    try {
      const rows: (Record<string, unknown> | undefined)[] = [];
      for (const statement of statements)
        rows.push((await database.pool.query<Record<string, unknown>>(statement)).rows[0]);
      return rows;
    } finally {
      await database.close();
    }
  }
}

function isEnded({ state, outcomes }: MessageReport): boolean {
  const over = ['finished', 'expired', 'cancelled'].includes(state);
  return over && outcomes.pending === 0 && outcomes.inFlight === 0;
}

/** Repeats a call, like a careful backend, until the answer is not a 5xx. */
async function persist<T>(call: () => Promise<T>): Promise<T> {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if (Date.now() > deadline || / 4\d\d/.test(String(error))) throw error;
      await delay(100);
    }
  }
}
