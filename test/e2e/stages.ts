import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomBytes } from 'node:crypto';
import { inject } from 'vitest';
import { claimRedisDatabase, createDatabase } from '../harness/servers.js';

/** Deployments for the end-to-end tests: where the program keeps its data and its queue. */
export interface Stage {
  name: string;
  prepare(): Promise<{ environment: Record<string, string>; clean: () => void }>;
}

const postgresUrl = inject('postgresUrl');
const redisUrl = inject('redisUrl');

export const EMBEDDED: Stage = {
  name: 'the embedded database',
  prepare: () => {
    const folder = mkdtempSync(join(tmpdir(), 'carillon-e2e-'));
    cpSync(inject('embeddedFolder'), folder, { recursive: true });
    const clean = (): void => rmSync(folder, { recursive: true, force: true });
    return Promise.resolve({ environment: { DATA_DIR: folder }, clean });
  },
};

function onServers(postgres: string, redis: string, template?: string): Stage {
  return {
    name: 'PostgreSQL and Redis',
    prepare: async () => ({
      environment: {
        DATABASE_URL: await createDatabase(postgres, template),
        QUEUE_URL: await claimRedisDatabase(redis),
        MASTER_KEY: randomBytes(32).toString('base64'),
      },
      clean: () => undefined,
    }),
  };
}

/** Null if the servers are not installed (never under CI=true). */
export const SERVERS = postgresUrl && redisUrl ? onServers(postgresUrl, redisUrl, inject('postgresTemplate')) : null;
/** The same without tables. */
export const EMPTY_SERVERS = postgresUrl && redisUrl ? onServers(postgresUrl, redisUrl) : null;

export const STAGES: readonly Stage[] = SERVERS ? [EMBEDDED, SERVERS] : [EMBEDDED];
