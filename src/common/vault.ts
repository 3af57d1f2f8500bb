import { createCipheriv, createDecipheriv, createHmac, randomBytes } from 'node:crypto';
import { existsSync, linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readMasterKey } from './master-key.js';
import { StartError } from './start-error.js';

/** Sealed while there was one master key. */
const PLAIN = 1;
/** With the id of the master key, which tells two keys apart. Releases before 2026-11-29 cannot open it. */
const WITH_ID = 2;
const ID = 8;
const NONCE = 12;
const TAG = 16;
const KEY = 32;

interface MasterKey {
  id: Buffer;
  key: Buffer;
}

/**
 * Envelope encryption of stored credentials: AES-256-GCM under a record key, which is itself encrypted under the master
 * key. `context` (table and row) is authenticated, so that a ciphertext moved to another row does not open.
 * Layout: format(1) ‖ with format 2: key id(8) ‖ nonce(12) ‖ record key(32) ‖ tag(16) ‖ nonce(12) ‖ content ‖ tag(16).
 */
export class Vault {
  private readonly current: MasterKey;
  private readonly keys: readonly MasterKey[];

  /** `other`: opens as well: the key before a change, or the one to come. */
  constructor(masterKey: Buffer, other?: Buffer) {
    this.current = named(masterKey);
    this.keys = other ? [this.current, named(other)] : [this.current];
  }

  /** Of the key that seals: tells keys apart, and nothing else about them. */
  get keyId(): string {
    return this.current.id.toString('hex');
  }

  seal(content: string, context: string): Buffer {
    const recordKey = randomBytes(KEY);
    const head = this.keys.length === 1 ? [Buffer.from([PLAIN])] : [Buffer.from([WITH_ID]), this.current.id];
    return Buffer.concat([
      ...head,
      encrypt(this.current.key, recordKey, context),
      encrypt(recordKey, Buffer.from(content, 'utf8'), context),
    ]);
  }

  /** Throws if no master key here, or the row, is the one of the sealing. */
  open(sealed: Buffer, context: string): string {
    return openWith(this.keys, sealed, context);
  }

  /** The value under the current key; null if it is under that already. Throws as `open`. */
  reseal(sealed: Buffer, context: string): Buffer | null {
    try {
      openWith([this.current], sealed, context);
      return null;
    } catch {
      return this.seal(this.open(sealed, context), context);
    }
  }
}

function named(key: Buffer): MasterKey {
  return { key, id: createHmac('sha256', key).update('carillon master key').digest().subarray(0, ID) };
}

function openWith(keys: readonly MasterKey[], sealed: Buffer, context: string): string {
  const [format] = sealed;
  if (format !== PLAIN && format !== WITH_ID) throw new Error(`Sealed value of unknown format in ${context}`);
  const start = format === PLAIN ? 1 : 1 + ID;
  const end = start + NONCE + KEY + TAG;
  const id = sealed.subarray(1, start);
  let cause: unknown;
  for (const { key } of format === PLAIN ? keys : keys.filter((each) => each.id.equals(id))) {
    try {
      const recordKey = decrypt(key, sealed.subarray(start, end), context);
      return decrypt(recordKey, sealed.subarray(end), context).toString('utf8');
    } catch (error) {
      cause = error;
    }
  }
  const of = format === PLAIN ? '' : `, which is sealed under the key ${id.toString('hex')}`;
  throw new StartError(`MASTER_KEY does not open ${context}${of}`, cause);
}

function encrypt(key: Buffer, content: Buffer, context: string): Buffer {
  const nonce = randomBytes(NONCE);
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(context));
  return Buffer.concat([nonce, cipher.update(content), cipher.final(), cipher.getAuthTag()]);
}

function decrypt(key: Buffer, sealed: Buffer, context: string): Buffer {
  const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, NONCE))
    .setAAD(Buffer.from(context))
    .setAuthTag(sealed.subarray(-TAG));
  return Buffer.concat([decipher.update(sealed.subarray(NONCE, -TAG)), decipher.final()]);
}

/**
 * Reads MASTER_KEY, or in development a key made once in the data folder (readable by its owner only). `isNeeded`: the
 * database contains sealed values, which a new key could not open.
 */
export function openVault(
  config: { masterKey?: Buffer; otherMasterKey?: Buffer; dataDir: string },
  isNeeded = false,
): Vault {
  if (config.masterKey) return new Vault(config.masterKey, config.otherMasterKey);
  const file = join(config.dataDir, 'master.key');
  try {
    if (isNeeded && !existsSync(file))
      throw new StartError(
        `${file} is missing, and the database holds secrets sealed under it: restore it from a backup`,
      );
    mkdirSync(config.dataDir, { recursive: true, mode: 0o700 });
    if (!existsSync(file)) makeKey(file);
    const key = readMasterKey(readFileSync(file, 'utf8').trim());
    if (!key) throw new StartError(`${file} does not contain a key of 32 bytes in base64`);
    return new Vault(key);
  } catch (error) {
    if (error instanceof StartError) throw error;
    throw new StartError(`The master key in DATA_DIR cannot be read or made`, error);
  }
}

/**
 * Writes the whole file or none: a partial key after a full disk or a kill would be refused at each start. Of processes
 * that start at once one makes the key: a link fails if the file exists. On file systems without links the file is
 * renamed.
 */
function makeKey(file: string): void {
  const unfinished = `${file}.${process.pid}`;
  try {
    writeFileSync(unfinished, `${randomBytes(KEY).toString('base64')}\n`, { mode: 0o600, flush: true });
    linkSync(unfinished, file);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EPERM' || code === 'ENOTSUP') renameSync(unfinished, file);
    else if (code !== 'EEXIST') throw error;
  } finally {
    rmSync(unfinished, { force: true });
  }
}
