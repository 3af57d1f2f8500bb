import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import pg from 'pg';
import { Api } from '../../test/harness/api.js';
import { startCarillon } from '../../test/harness/carillon.js';
import type { RunningCarillon } from '../../test/harness/carillon.js';
import { createDatabase, startPostgres } from '../../test/harness/servers.js';

/** Two processes of every role on one PostgreSQL, and a receiver of webhooks whose answers a trial gives. */

export interface Received {
  path: string;
  id: string;
  headers: IncomingHttpHeaders;
  body: string;
  hash: string;
  /** Milliseconds of performance.now(). */
  at: number;
}

const NDJSON = { 'content-type': 'application/x-ndjson' };

export class Stage {
  readonly received: Received[] = [];
  /** Requests without an answer, and the most of them. */
  open = 0;
  mostOpen = 0;
  answer: (received: Received, response: ServerResponse) => unknown = (_received, response) => response.end();

  private constructor(
    readonly processes: RunningCarillon[],
    readonly address: string,
    private readonly database: pg.Pool,
    readonly close: () => Promise<void>,
  ) {}

  static async open(): Promise<Stage> {
    const postgres = await startPostgres();
    const environment = {
      DATABASE_URL: await createDatabase(postgres.url),
      MASTER_KEY: randomBytes(32).toString('base64'),
      WEBHOOK_ALLOW_PRIVATE: 'true',
      LOG_LEVEL: 'warn',
    };
    const processes = [await startCarillon(environment), await startCarillon(environment)];
    const receiver = createServer((request, response) => void stage.receive(request, response));
    await once(receiver.listen(0, '127.0.0.1'), 'listening');
    const address = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`;
    const database = new pg.Pool({ connectionString: environment.DATABASE_URL, max: 1 });
    const stage = new Stage(processes, address, database, async () => {
      receiver.closeAllConnections();
      receiver.close();
      await Promise.all(processes.map((each) => each.stop()));
      await database.end();
      await postgres.stop();
    });
    return stage;
  }

  /** An application without devices; calls go to the first process. */
  async addApplication(): Promise<Api> {
    const applicationId = `com.acme.${randomBytes(4).toString('hex')}`;
    const admin = await Api.connect(this.processes[0]!.url);
    await admin.call('POST', '/apps', { applicationId });
    return Api.connect(this.processes[0]!.url, applicationId);
  }

  /** Returns the secret. */
  async addWebhook(
    api: Api,
    name: string,
    { url = `${this.address}/${name}`, eventTypes = 'device.*' } = {},
  ): Promise<string> {
    const answer = await api.app<{ secret: string }>('POST', '/webhooks', { name, url, eventTypes });
    if (answer.status >= 300) throw new Error(`webhook: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body.secret;
  }

  /** An event for each device. */
  async register(api: Api, from: number, count: number): Promise<void> {
    const device = (n: number) => ({ deviceId: `d${n}`, platform: 'G', token: `sandbox:accepted:${n}` });
    const lines = Array.from({ length: count }, (_each, n) => JSON.stringify(device(from + n)));
    const answer = await api.raw('POST', '/devices:import', lines.join('\n'), NDJSON);
    if (!answer.ok) throw new Error(`import: ${answer.status}`);
    await answer.text();
  }

  /** The number that a statement selects. */
  async count(statement: string): Promise<number> {
    const { rows } = await this.database.query<{ count: string }>(statement);
    return Number(rows[0]!.count);
  }

  async waiting(api: Api): Promise<number> {
    const { body } = await api.app<{ webhooks: { pending: number }[] }>('GET', '/webhooks');
    return body.webhooks.reduce((sum, { pending }) => sum + pending, 0);
  }

  private async receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const at = performance.now();
    this.mostOpen = Math.max(this.mostOpen, ++this.open);
    response.once('close', () => this.open--);
    const body = await buffer(request).catch(() => null);
    if (!body) return;
    const { url = '', headers } = request;
    const hash = createHash('sha256').update(body).digest('hex');
    const received = { path: url, id: String(headers['webhook-id']), headers, body: body.toString(), hash, at };
    this.received.push(received);
    await this.answer(received, response);
  }
}
