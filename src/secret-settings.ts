import { spawnSync } from 'node:child_process';
import { SECOND_MS } from './common/durations.js';
import { SECRET_RULE, isWeakSecret } from './auth/chosen-secret.js';
import { isPatterned, readMasterKey } from './common/master-key.js';
import type { SettingReader } from './setting-reader.js';

const COMMAND_MS = 30 * SECOND_MS;

export interface Secrets {
  /** 32 bytes; absent in development, where a key is made in the data folder. */
  masterKey?: Buffer;
  /** Opens stored values as well, while the master key is changed. */
  otherMasterKey?: Buffer;
  adminClient?: { id: string; secret: string };
}

/** The master keys and the first client. `databaseUrl`: undefined for the embedded database. */
export function readSecrets(settings: SettingReader, production: boolean, databaseUrl: string | undefined): Secrets {
  const masterKey = readKey(settings, production, databaseUrl);
  return {
    masterKey,
    otherMasterKey: readOtherKey(settings, masterKey),
    adminClient: readAdminClient(settings, production),
  };
}

function readKey(settings: SettingReader, production: boolean, databaseUrl: string | undefined): Buffer | undefined {
  const command = settings.value('MASTER_KEY_COMMAND');
  const given = settings.value('MASTER_KEY');
  settings.check(!command || !given, 'MASTER_KEY and MASTER_KEY_COMMAND are both set: remove one of them');
  const text = command ? run(command, settings) : given;
  const key = readMasterKey(text) ?? undefined;
  const name = command ? 'The answer of MASTER_KEY_COMMAND' : 'MASTER_KEY';
  settings.check(key !== undefined || text === '', `${name} must be 32 bytes in base64`);
  settings.check(
    text !== '' || command !== '' || (!production && !databaseUrl),
    `MASTER_KEY is required ${production ? 'in production' : 'with DATABASE_URL, so that every process can read the credentials'}`,
  );
  settings.check(!key || !isPatterned(key), `${name} must be random: make one with openssl rand -base64 32`);
  return key;
}

function readOtherKey(settings: SettingReader, masterKey: Buffer | undefined): Buffer | undefined {
  const text = settings.value('MASTER_KEY_PREVIOUS');
  if (text === '') return undefined;
  const key = readMasterKey(text) ?? undefined;
  settings.check(key !== undefined, 'MASTER_KEY_PREVIOUS must be 32 bytes in base64');
  settings.check(masterKey !== undefined, 'MASTER_KEY_PREVIOUS needs MASTER_KEY');
  settings.check(
    !key || !masterKey || !key.equals(masterKey),
    'MASTER_KEY_PREVIOUS is the same key as MASTER_KEY: leave it out',
  );
  return key;
}

/** The output of the command, without white space around it; errors of the command go to those of this process. */
function run(command: string, settings: SettingReader): string {
  const { status, signal, stdout } = spawnSync(command, {
    shell: true,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: COMMAND_MS,
  });
  const how = signal ? `was ended by ${signal}` : `ended with code ${status}`;
  settings.check(status === 0, `MASTER_KEY_COMMAND ${how}, without a key`);
  const text = status === 0 ? stdout.trim() : '';
  settings.check(status !== 0 || text !== '', 'MASTER_KEY_COMMAND printed nothing');
  return text;
}

function readAdminClient(settings: SettingReader, production: boolean): { id: string; secret: string } | undefined {
  const id = settings.value('ADMIN_CLIENT_ID');
  const secret = settings.value('ADMIN_CLIENT_SECRET');
  settings.check(!id === !secret, 'ADMIN_CLIENT_ID and ADMIN_CLIENT_SECRET belong together: one of them is missing');
  settings.check(
    [id, secret].every((each) => /^[\x20-\x7e]{0,255}$/.test(each)) && !id.includes(':'),
    'ADMIN_CLIENT_ID and ADMIN_CLIENT_SECRET must be up to 255 characters of printable ASCII, the id without a colon',
  );
  settings.check(!production || !secret || !isWeakSecret(secret), `ADMIN_CLIENT_SECRET must have ${SECRET_RULE}`);
  return id ? { id, secret } : undefined;
}
