import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { ConfigError, readConfig } from './config.js';
import { SettingReader } from './setting-reader.js';
import { SETTINGS } from './settings.js';

const folder = mkdtempSync(join(tmpdir(), 'carillon-secrets-'));
afterAll(() => rmSync(folder, { recursive: true }));

const SECRETS = SETTINGS.filter(({ isSecret }) => isSecret).map(({ name }) => name);
const KEY = randomBytes(32);

function fileWith(content: string): string {
  const file = join(folder, randomBytes(6).toString('hex'));
  writeFileSync(file, content);
  return file;
}

function problemsOf(environment: NodeJS.ProcessEnv): readonly string[] {
  try {
    readConfig(environment);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
}

it('are the settings with passwords and keys', () => {
  expect(SECRETS.toSorted()).toEqual([
    'ADMIN_CLIENT_SECRET',
    'DATABASE_READ_URL',
    'DATABASE_URL',
    'HTTPS_PROXY',
    'MASTER_KEY',
    'MASTER_KEY_PREVIOUS',
    'OIDC_CLIENT_SECRET',
    'PROVIDER_PROXY',
    'QUEUE_URL',
  ]);
});

describe.each(SECRETS)('%s from a file', (name) => {
  it.each([
    ['ending with a line feed', 'a b=\n', 'a b='],
    ['ending with a line end of Windows', 'a b=\r\n', 'a b='],
    ['ending with nothing', 'a b=', 'a b='],
    ['with a byte order mark', '\uFEFFa b=\n', 'a b='],
    ['with spaces around', ' a b \n', ' a b '],
    ['with two line ends', 'a\n\n', 'a\n'],
    ['with quotes', '"a"\n', '"a"'],
  ])('%s', (_, content, value) => {
    const settings = new SettingReader({ [`${name}_FILE`]: fileWith(content) });
    expect(settings.value(name)).toBe(value);
    expect(settings.problems).toEqual([]);
  });

  it.each([
    ['an empty file', () => fileWith(''), 'names an empty file'],
    ['a file with a line end alone', () => fileWith('\r\n'), 'names an empty file'],
    ['no file', () => join(folder, 'absent'), 'cannot be read (ENOENT)'],
    ['a folder', () => folder, 'cannot be read (EISDIR)'],
    ['a path that is the secret', () => 'hunter2', 'cannot be read (ENOENT)'],
    ['a path below a file', () => join(fileWith('x'), 'y'), 'cannot be read (ENOTDIR)'],
  ])('refuses %s', (_, path, problem) => {
    const problems = problemsOf({ [`${name}_FILE`]: path() });
    expect(problems).toContain(`${name}_FILE ${problem}`);
    expect(problems.join()).not.toContain('hunter2');
  });

  it('refuses the setting beside its file', () => {
    const environment = { [`${name}_FILE`]: fileWith('first'), [name]: 'second' };
    expect(problemsOf(environment)).toContain(`${name} and ${name}_FILE are both set: remove one of them`);
  });

  it('an empty path is no path', () => {
    const settings = new SettingReader({ [`${name}_FILE`]: '', [name]: 'plain' });
    expect(settings.value(name)).toBe('plain');
  });
});

it('a mistyped name of a file is refused by name', () => {
  expect(problemsOf({ MASTER_KEY_FIEL: 'x' })).toContain(
    'MASTER_KEY_FIEL is not a setting; did you mean MASTER_KEY_FILE?',
  );
});

describe('MASTER_KEY_PREVIOUS', () => {
  const other = randomBytes(32);

  it('is a second key', () => {
    const environment = { MASTER_KEY: KEY.toString('base64'), MASTER_KEY_PREVIOUS: other.toString('base64') };
    expect(readConfig(environment)).toMatchObject({ masterKey: KEY, otherMasterKey: other });
  });

  it.each([
    ['no key', { MASTER_KEY: KEY.toString('base64'), MASTER_KEY_PREVIOUS: 'x' }, 'must be 32 bytes in base64'],
    [
      'the same key',
      { MASTER_KEY: KEY.toString('base64'), MASTER_KEY_PREVIOUS: KEY.toString('base64url') },
      'is the same key as MASTER_KEY: leave it out',
    ],
    ['a key alone', { MASTER_KEY_PREVIOUS: other.toString('base64') }, 'needs MASTER_KEY'],
  ])('refuses %s', (_, environment, problem) => {
    expect(problemsOf(environment)).toEqual([`MASTER_KEY_PREVIOUS ${problem}`]);
  });
});

describe('MASTER_KEY_COMMAND', () => {
  it('prints the key', () => {
    const file = fileWith(`  ${KEY.toString('base64')}\n`);
    expect(readConfig({ MASTER_KEY_COMMAND: `cat ${file}` }).masterKey).toEqual(KEY);
  });

  it.each([
    ['fails', 'exit 3', 'MASTER_KEY_COMMAND ended with code 3, without a key'],
    ['is ended', 'kill -9 $$', 'MASTER_KEY_COMMAND was ended by SIGKILL, without a key'],
    ['prints nothing', 'true', 'MASTER_KEY_COMMAND printed nothing'],
    ['prints no key', 'echo hunter2', 'The answer of MASTER_KEY_COMMAND must be 32 bytes in base64'],
    [
      'prints a patterned key',
      `echo ${Buffer.alloc(32).toString('base64')}`,
      'The answer of MASTER_KEY_COMMAND must be random: make one with openssl rand -base64 32',
    ],
  ])('that %s is refused, without its output', (_, command, problem) => {
    expect(problemsOf({ NODE_ENV: 'production', MASTER_KEY_COMMAND: command })).toEqual([problem]);
  });

  it('is refused beside a key', () => {
    expect(problemsOf({ MASTER_KEY: KEY.toString('base64'), MASTER_KEY_COMMAND: 'true' })).toContain(
      'MASTER_KEY and MASTER_KEY_COMMAND are both set: remove one of them',
    );
  });
});
