import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { Admin, basic } from '../../test/harness/admin.js';
import { Api, requestToken } from '../../test/harness/api.js';
import { startCarillon } from '../../test/harness/carillon.js';
import type { RunningCarillon } from '../../test/harness/carillon.js';
import { createDatabase, startPostgres, startRedis } from '../../test/harness/servers.js';
import type { PostgresServer, Server } from '../../test/harness/servers.js';
import { startSimulators } from '../../test/simulators/client.js';
import type { RunningSimulators } from '../../test/simulators/client.js';

/** Names the missing server program. */
export class MissingProgram extends Error {}

/** The longest turn of the loop: in CPU time, and in wall time. */
export interface Stall {
  heldMs: number;
  waitedMs: number;
}

const PROBE = fileURLToPath(new URL('stall-probe.mjs', import.meta.url));
export const NEIGHBOUR_APP = 'com.example.neighbour';
export const ATTACKER_APP = 'com.example.attacker';

/**
 * The program on PostgreSQL (durable) and Redis, api and worker in separate processes, and push services as its
 * targets.
 */
export class Stage {
  private constructor(
    readonly api: RunningCarillon,
    readonly worker: RunningCarillon,
    /** Push services that follow the rules, and that the attack controls. */
    readonly honest: RunningSimulators,
    readonly odd: RunningSimulators,
    private readonly admin: { id: string; secret: string },
    private readonly servers: readonly (PostgresServer | Server)[],
    private readonly folder: string,
  ) {}

  /** `production`: without the test client and private addresses, like every start in production. */
  static async open({ production }: { production: boolean }): Promise<Stage> {
    const [postgres, redis] = [await startPostgres({ keepsCommits: true }), await startRedis()];
    if (!redis) {
      await postgres.stop();
      throw new MissingProgram('Redis is missing: apt-get install redis-server');
    }
    const folder = mkdtempSync(join(tmpdir(), 'carillon-attack-'));
    const [honest, odd] = await Promise.all([startSimulators(), startSimulators()]);
    const caFile = join(folder, 'ca.pem');
    writeFileSync(caFile, honest.ca + odd.ca);
    const admin = { id: 'root', secret: randomBytes(24).toString('base64url') };
    const environment: Record<string, string> = {
      NODE_ENV: production ? 'production' : 'development',
      DATABASE_URL: await createDatabase(postgres.url),
      QUEUE_URL: redis.url,
      MASTER_KEY: randomBytes(32).toString('base64'),
      ADMIN_CLIENT_ID: admin.id,
      ADMIN_CLIENT_SECRET: admin.secret,
      APNS_URL: odd.apns.url,
      FCM_URL: odd.fcm.url,
      WNS_TOKEN_URL: odd.wns.tokenUrl,
      WNS_CHANNEL_HOST: odd.wns.channelHost,
      PROVIDER_CA_FILE: caFile,
      ...(!production && { WEB_PUSH_ALLOW_PRIVATE: 'true' }),
    };
    const api = await startProbed({ ...environment, ROLES: 'api' }, join(folder, 'api.sock'));
    const worker = await startProbed({ ...environment, ROLES: 'worker,scheduler' }, join(folder, 'worker.sock'));
    return new Stage(api, worker, honest, odd, admin, [postgres, redis], folder);
  }

  /** A token of the administrator, for an application. */
  async connect(applicationId: string): Promise<Api> {
    const answer = await requestToken(this.api.url, { ...this.admin, scope: '*' });
    return new Api(this.api.url, ((await answer.json()) as { access_token: string }).access_token, applicationId);
  }

  administrator(): Admin {
    return new Admin(this.api.url, basic(this.admin.id, this.admin.secret));
  }

  /** Creates a client for an application with a scope, and returns it with its calls. */
  async addCaller(id: string, applicationId: string, scope: string): Promise<{ id: string; secret: string; api: Api }> {
    const allowed = `${scope} push.application.${applicationId}`;
    const secret = await this.administrator().addClient(id, allowed);
    const answer = await requestToken(this.api.url, { id, secret, scope: allowed });
    const { access_token: token } = (await answer.json()) as { access_token: string };
    return { id, secret, api: new Api(this.api.url, token, applicationId) };
  }

  /** The longest stall of each process since the last call. */
  async stalls(): Promise<{ api: Stall; worker: Stall }> {
    const [api, worker] = await Promise.all(['api', 'worker'].map((name) => ask(join(this.folder, `${name}.sock`))));
    return { api: api!, worker: worker! };
  }

  async close(): Promise<void> {
    await Promise.all([this.api.kill(), this.worker.kill()]);
    await Promise.all([this.honest.stop(), this.odd.stop(), ...this.servers.map((server) => server.stop())]);
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function startProbed(environment: Record<string, string>, socket: string): Promise<RunningCarillon> {
  return startCarillon(environment, ['--import', `${pathToFileURL(PROBE).href}?socket=${encodeURIComponent(socket)}`]);
}

async function ask(socket: string): Promise<Stall> {
  const connection = connect(socket);
  let text = '';
  connection.on('data', (chunk: Buffer) => (text += chunk.toString()));
  await once(connection, 'end');
  return JSON.parse(text) as Stall;
}
