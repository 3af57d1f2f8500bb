import { execFile } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { parseWebPushSettings } from '../../src/providers/web-push/web-push.settings.js';
import type { RealPeer } from '../../test/medium/http2/real-peers.js';
import type { Job, Measured } from '../providers.clients.js';

const run = promisify(execFile);

/** Credentials made for one run, for the clients of providers.clients.ts. */
export function describeJob(peer: RealPeer): Omit<Job, 'total'> {
  const pem = { type: 'pkcs8', format: 'pem' } as const;
  const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export(pem).toString();
  const vapid = parseWebPushSettings({ subject: 'mailto:push@example.com' });
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export(pem).toString();
  return {
    origin: peer.origin,
    ca: join(peer.folder, 'cert.pem'),
    apnsKey: { key: ec, keyId: 'KEY1234567', teamId: 'TEAM123456' },
    serviceAccount: {
      project_id: 'example',
      client_email: 'sender@example.iam.example',
      private_key: rsa,
      token_uri: `${peer.origin}/token`,
    },
    vapid: { ...vapid.visible, ...vapid.secret },
  };
}

/** Runs one client of providers.clients.ts in a process of its own. */
export async function measureClient(name: string, job: Job): Promise<Measured> {
  const script = join(import.meta.dirname, '..', 'providers.clients.ts');
  const { stdout } = await run(process.execPath, [...process.execArgv, script, name, JSON.stringify(job)]);
  return JSON.parse(stdout.trim().split('\n').at(-1)!) as Measured;
}
