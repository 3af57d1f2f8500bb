import { randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { Server as HttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Api } from '../../test/harness/api.js';
import { startCarillon } from '../../test/harness/carillon.js';
import type { RunningCarillon } from '../../test/harness/carillon.js';
import { FAKETIME, FakeClock } from '../../test/harness/faketime.js';
import { startPostgres, startRedis } from '../../test/harness/servers.js';
import type { Server } from '../../test/harness/servers.js';
import { startSimulators } from '../../test/simulators/client.js';
import type { RunningSimulators } from '../../test/simulators/client.js';

/** Names the missing program. */
export class MissingProgram extends Error {}

export const APP = 'com.example.clocks';
const CLOCKS = ['database', 'api', 'worker', 'spare'] as const;
export type ClockName = (typeof CLOCKS)[number];
const ROLES = { api: 'api,scheduler', worker: 'worker', spare: 'worker' } as const;
type ProcessName = keyof typeof ROLES;

/**
 * The program on PostgreSQL and Redis; each process and the database has its own clock. The push service has the true
 * time, and so does Redis, whose allocator conflicts with libfaketime.
 */
export class Stage {
  private readonly processes = new Map<ProcessName, RunningCarillon>();
  /** How often each event was posted, by id. */
  readonly events = new Map<string, number>();

  private constructor(
    readonly clocks: Record<ClockName, FakeClock>,
    readonly simulators: RunningSimulators,
    private readonly environment: Record<string, string>,
    private readonly listener: HttpServer,
    private readonly servers: readonly Server[],
    private readonly folder: string,
  ) {
    listener.on('request', (request, response) => {
      const id = String(request.headers['x-carillon-event-id']);
      this.events.set(id, (this.events.get(id) ?? 0) + 1);
      request.resume().on('end', () => response.end());
    });
  }

  static async open(): Promise<Stage> {
    if (FAKETIME === null) throw new MissingProgram('libfaketime is missing: apt-get install faketime');
    const folder = mkdtempSync(join(tmpdir(), 'carillon-clocks-'));
    // PostgreSQL runs as another user.
    chmodSync(folder, 0o755);
    const entries = CLOCKS.map((name) => [name, new FakeClock(join(folder, name))]);
    const clocks = Object.fromEntries(entries) as Record<ClockName, FakeClock>;
    const postgres = await startPostgres({ environment: clocks.database.environment });
    const redis = await startRedis();
    if (!redis) {
      await postgres.stop();
      throw new MissingProgram('Redis is missing: apt-get install redis-server');
    }
    const simulators = await startSimulators();
    const environment = {
      DATABASE_URL: postgres.url,
      QUEUE_URL: redis.url,
      MASTER_KEY: randomBytes(32).toString('base64'),
      APNS_URL: simulators.apns.url,
      PROVIDER_CA_FILE: simulators.caPath ?? '',
      WEBHOOK_ALLOW_PRIVATE: 'true',
    };
    const listener = createServer().listen(0, '127.0.0.1');
    const stage = new Stage(clocks, simulators, environment, listener, [postgres, redis], folder);
    for (const name of ['api', 'worker', 'spare'] as const) await stage.start(name);
    return stage;
  }

  get webhookUrl(): string {
    return `http://127.0.0.1:${(this.listener.address() as AddressInfo).port}/events`;
  }

  connect(): Promise<Api> {
    return Api.connect(this.processes.get('api')!.url, APP);
  }

  async start(name: ProcessName): Promise<void> {
    const change = { ROLES: ROLES[name], ...this.clocks[name].environment };
    this.processes.set(name, await startCarillon({ ...this.environment, ...change }));
  }

  /** SIGKILL: the leases of the process stay. */
  async kill(name: ProcessName): Promise<void> {
    await this.processes.get(name)?.kill();
    this.processes.delete(name);
  }

  async close(): Promise<void> {
    await Promise.all([...this.processes.values()].map((process) => process.kill()));
    this.listener.closeAllConnections();
    this.listener.close();
    await Promise.all([this.simulators.stop(), ...this.servers.map((server) => server.stop())]);
    rmSync(this.folder, { recursive: true, force: true });
  }
}
