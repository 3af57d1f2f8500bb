import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, it } from 'vitest';
import { openVault } from '../../src/common/vault.js';

const OPENER = fileURLToPath(new URL('../harness/open-vault.ts', import.meta.url));
const PROCESSES = 6;
const folder = mkdtempSync(join(tmpdir(), 'carillon-key-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it('processes that start at once in a new data folder share one master key', async () => {
  const openers = Array.from({ length: PROCESSES }, () => fork(OPENER, [folder], { execArgv: ['--import', 'tsx'] }));
  await Promise.all(openers.map((opener) => once(opener, 'message')));
  const sealed = Promise.all(openers.map(async (opener) => ((await once(opener, 'message')) as [string])[0]));
  for (const opener of openers) opener.send('open');
  const texts = await sealed;
  const vault = openVault({ dataDir: folder });
  expect(texts.map((text) => vault.open(Buffer.from(text, 'base64'), 'test'))).toEqual(texts.map(() => 'secret'));
  expect(readdirSync(folder)).toEqual(['master.key']);
});
