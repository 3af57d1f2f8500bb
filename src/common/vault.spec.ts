import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { StartError } from './start-error.js';
import { Vault, openVault } from './vault.js';

const CONTEXT = 'provider_setting/com.acme.bank/apns';
const vault = new Vault(Buffer.alloc(32, 1));

describe('Vault', () => {
  it.each(['', 'a', '{"key":"-----BEGIN PRIVATE KEY-----"}', 'ü€😀', 'x'.repeat(100_000)])(
    'opens a sealed value',
    (content) => {
      expect(vault.open(vault.seal(content, CONTEXT), CONTEXT)).toBe(content);
    },
  );

  it('writes format, nonce, record key, tag, nonce, content, tag', () => {
    expect(vault.seal('secret', CONTEXT)).toHaveLength(1 + 12 + 32 + 16 + 12 + 6 + 16);
    expect(vault.seal('secret', CONTEXT)[0]).toBe(1);
  });

  it('seals the same content differently each time, and never as plain text', () => {
    const [one, other] = [vault.seal('secret', CONTEXT), vault.seal('secret', CONTEXT)];
    expect(one.equals(other)).toBe(false);
    expect(one.includes('secret')).toBe(false);
  });

  it('does not open with another master key', () => {
    const sealed = new Vault(Buffer.alloc(32, 2)).seal('secret', CONTEXT);
    expect(() => vault.open(sealed, CONTEXT)).toThrow(`MASTER_KEY does not open ${CONTEXT}`);
  });

  it('does not open in another row', () => {
    const sealed = vault.seal('secret', CONTEXT);
    expect(() => vault.open(sealed, 'provider_setting/com.acme.shop/apns')).toThrow('MASTER_KEY does not open');
  });

  it('does not open if any single byte was changed', () => {
    const sealed = vault.seal('secret', CONTEXT);
    for (let index = 0; index < sealed.length; index++) {
      const changed = Buffer.from(sealed);
      changed[index] = (changed[index] ?? 0) ^ 1;
      expect(() => vault.open(changed, CONTEXT), `byte ${index}`).toThrow(CONTEXT);
    }
  });

  it('does not open if it was truncated at any length', () => {
    const sealed = vault.seal('secret', CONTEXT);
    for (let length = 0; length < sealed.length; length++)
      expect(() => vault.open(sealed.subarray(0, length), CONTEXT), `${length} bytes`).toThrow(CONTEXT);
  });

  it('names an unknown format', () => {
    const sealed = vault.seal('secret', CONTEXT);
    sealed[0] = 3;
    expect(() => vault.open(sealed, CONTEXT)).toThrow(`Sealed value of unknown format in ${CONTEXT}`);
  });
});

describe('a Vault with two keys', () => {
  const [first, second] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)];
  const both = new Vault(second, first);

  it('opens values of both, also those sealed while there was one key', () => {
    expect(both.open(vault.seal('before', CONTEXT), CONTEXT)).toBe('before');
    expect(both.open(new Vault(first, second).seal('beside', CONTEXT), CONTEXT)).toBe('beside');
    expect(both.open(both.seal('after', CONTEXT), CONTEXT)).toBe('after');
  });

  it('seals under the first, with its id', () => {
    const sealed = both.seal('secret', CONTEXT);
    expect(sealed[0]).toBe(2);
    expect(sealed.subarray(1, 9).toString('hex')).toBe(both.keyId);
    expect(new Vault(second).open(sealed, CONTEXT)).toBe('secret');
    expect(() => vault.open(sealed, CONTEXT)).toThrow(
      `MASTER_KEY does not open ${CONTEXT}, which is sealed under the key ${both.keyId}`,
    );
  });

  it('has ids that tell keys apart and nothing about them', () => {
    expect(both.keyId).toBe(new Vault(second).keyId);
    expect(both.keyId).not.toBe(vault.keyId);
    expect(both.keyId).toMatch(/^[0-9a-f]{16}$/);
    expect(second.toString('hex')).not.toContain(both.keyId);
  });

  it('puts a value under the first key once', () => {
    const sealed = both.reseal(vault.seal('secret', CONTEXT), CONTEXT);
    expect(new Vault(second).open(sealed!, CONTEXT)).toBe('secret');
    expect(both.reseal(sealed!, CONTEXT)).toBeNull();
    expect(both.reseal(new Vault(second).seal('secret', CONTEXT), CONTEXT)).toBeNull();
  });

  it('refuses a value of a third key', () => {
    const sealed = new Vault(Buffer.alloc(32, 3)).seal('secret', CONTEXT);
    expect(() => both.reseal(sealed, CONTEXT)).toThrow('does not open');
  });
});

describe('openVault', () => {
  let dataDir: string;
  beforeEach(() => {
    dataDir = mkdtempSync(join(tmpdir(), 'carillon-vault-'));
  });
  afterEach(() => rmSync(dataDir, { recursive: true }));

  it('uses MASTER_KEY, and then writes no file', () => {
    const opened = openVault({ masterKey: Buffer.alloc(32, 1), dataDir: join(dataDir, 'none') });
    expect(vault.open(opened.seal('secret', CONTEXT), CONTEXT)).toBe('secret');
    expect(() => statSync(join(dataDir, 'none'))).toThrow('ENOENT');
  });

  it('makes a key once, readable by its owner only, and reads it again', () => {
    const folder = join(dataDir, 'new');
    const sealed = openVault({ dataDir: folder }).seal('secret', CONTEXT);
    expect(openVault({ dataDir: folder }).open(sealed, CONTEXT)).toBe('secret');
    expect(Buffer.from(readFileSync(join(folder, 'master.key'), 'utf8'), 'base64')).toHaveLength(32);
    expect(statSync(join(folder, 'master.key')).mode & 0o777).toBe(0o600);
    expect(statSync(folder).mode & 0o777).toBe(0o700);
  });

  it('makes no key if the database contains values sealed under a lost one', () => {
    expect(() => openVault({ dataDir }, true)).toThrow(/master\.key is missing.*restore it from a backup/);
    expect(() => statSync(join(dataDir, 'master.key'))).toThrow('ENOENT');
    openVault({ dataDir });
    expect(() => openVault({ dataDir }, true)).not.toThrow();
  });

  it('makes a different key in each folder', () => {
    const sealed = openVault({ dataDir: join(dataDir, 'one') }).seal('secret', CONTEXT);
    expect(() => openVault({ dataDir: join(dataDir, 'other') }).open(sealed, CONTEXT)).toThrow('does not open');
  });

  it('refuses a damaged key file instead of replacing it', () => {
    writeFileSync(join(dataDir, 'master.key'), 'c2hvcnQ=\n');
    expect(() => openVault({ dataDir })).toThrow(/master\.key does not contain a key of 32 bytes in base64$/);
    expect(readFileSync(join(dataDir, 'master.key'), 'utf8')).toBe('c2hvcnQ=\n');
  });

  it('reports an unusable folder in one line', () => {
    mkdirSync(join(dataDir, 'master.key'));
    expect(() => openVault({ dataDir })).toThrow(StartError);
    expect(() => openVault({ dataDir })).toThrow(/^The master key in DATA_DIR cannot be read or made: .*EISDIR/);
  });
});
