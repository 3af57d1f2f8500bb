import { execFile, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startCarillon } from '../harness/carillon.js';
import type { RunningCarillon } from '../harness/carillon.js';
import { EMBEDDED } from './stages.js';

/** `carillon/client` as a backend gets it: the packed files, and none of the packages that the server needs. */

const run = promisify(execFile);
const OPTIONS = `{ url: process.env.CARILLON_URL, clientId: 'test', clientSecret: 'test', application: 'com.example.app' }`;
const SEND = `
const sent = await new Carillon(${OPTIONS}).messages.send({ message: { alert: 'Hello' } });
console.log(sent.messageId.length);
console.error(performance.now());`;

let carillon: RunningCarillon;
let clean: () => void;
let folder: string;

beforeAll(async () => {
  const prepared = await EMBEDDED.prepare();
  clean = prepared.clean;
  carillon = await startCarillon(prepared.environment);
  folder = mkdtempSync(join(tmpdir(), 'carillon-package-'));
  const packed = spawnSync('npm', ['pack', '--silent', '--pack-destination', folder], { encoding: 'utf8' });
  if (packed.status !== 0) throw new Error(packed.stderr);
  mkdirSync(join(folder, 'node_modules/carillon'), { recursive: true });
  const into = ['--strip-components', '1', '-C', 'node_modules/carillon'];
  spawnSync('tar', ['-xzf', packed.stdout.trim(), ...into], { cwd: folder });
});

afterAll(async () => {
  await carillon?.stop();
  clean?.();
  rmSync(folder, { recursive: true, force: true });
});

async function node(file: string, text: string): Promise<{ stdout: string; stderr: string }> {
  writeFileSync(join(folder, file), text);
  const env = { PATH: process.env.PATH, CARILLON_URL: carillon.url };
  return run(process.execPath, [file], { cwd: folder, env, timeout: 30_000 });
}

it.each([
  ['send.mjs', `import { Carillon } from 'carillon/client';${SEND}`],
  ['send.cjs', `const { Carillon } = require('carillon/client'); (async () => {${SEND}})();`],
])('%s sends, and ends with the answer', async (file, text) => {
  const started = performance.now();
  const { stdout, stderr } = await node(file, text);
  expect(stdout).toBe('8\n');
  // The program's time begins a little after ours.
  expect(performance.now() - started - Number(stderr)).toBeLessThan(1_000);
});

it('the program of docs/client.md prints what its comments say', async () => {
  const page = readFileSync('docs/client.md', 'utf8');
  const program = [...page.matchAll(/```js\n(.*?)```/gs)].map(([, block]) => block).join('');
  const { stdout } = await node('page.mjs', program);
  const printed = stdout.split('\n').filter((line) => !/^anna-(phone|tablet) accepted$/.test(line));
  const says = [...program.matchAll(/console\.log\(.*\); \/\/ (.*)/g)].map(([, text]) => text);
  expect(printed).toEqual([...says, '']);
  expect(stdout.match(/^anna-(phone|tablet) accepted$/gm)).toHaveLength(2);
});

it.each([
  ['node16', 'node16', ['mts', 'cts']],
  ['esnext', 'bundler', ['ts']],
  ['commonjs', 'node10', ['ts']],
])('types hold under module %s with resolution %s', (module, resolution, ends) => {
  symlinkSync(resolve('node_modules/@types'), join(folder, 'node_modules/@types'));
  const files = ends.map((end) => `types-${module}.${end}`);
  const text = `import { Carillon, type Report } from 'carillon/client';
     const carillon = new Carillon({ url: '', clientId: '', clientSecret: '', application: '' });
     export const sent: Promise<{ messageId: string }> = carillon.messages.send({ message: { alert: 'Hello' } });
     export const report: Promise<Report> = carillon.messages.waitFor('m');
     export const listed = carillon.request('get', '/imfpush/v1/apps/{applicationId}/campaigns').then(
       ({ campaigns }) => campaigns.map(({ campaignId }) => campaignId satisfies string));
     // @ts-expect-error: a field that the API does not have
     void carillon.messages.send({ message: { alert: 'Hello' }, colour: 'red' });
     // @ts-expect-error: a path that the API does not have
     void carillon.request('get', '/none');\n`;
  for (const file of files) writeFileSync(join(folder, file), text);
  const flags = ['--noEmit', '--strict', '--target', 'es2022', '--types', 'node', '--ignoreConfig'];
  const late = ['--ignoreDeprecations', '6.0'];
  const args = [...flags, ...late, '--module', module, '--moduleResolution', resolution, ...files];
  try {
    const { status, stdout } = spawnSync(resolve('node_modules/.bin/tsc'), args, { cwd: folder, encoding: 'utf8' });
    expect(stdout).toBe('');
    expect(status).toBe(0);
  } finally {
    rmSync(join(folder, 'node_modules/@types'));
  }
});
