import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'vite';

/**
 * Builds the console and the script for Web Push without writing them, and holds the sizes of their JavaScript in kB of
 * gzip. Of the console: the first screen (what the page loads before the sign-in can be drawn, with the dictionary),
 * and the whole that one viewer can load: with one dictionary, the larger.
 */

const FIRST_KB = 180;
const WHOLE_KB = 350;
const SDK_KB = 3;

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const { output } = await buildOf('console');

const chunks = new Map(output.filter(({ type }) => type === 'chunk').map((chunk) => [chunk.fileName, chunk]));
const publicFiles = readdirSync(join(ROOT, 'console/public')).filter((file) => file.endsWith('.js'));
const publicBytes = publicFiles.reduce(
  (sum, file) => sum + sizeOf(readFileSync(join(ROOT, 'console/public', file))),
  0,
);

const first = new Set();
for (const chunk of chunks.values()) if (chunk.isEntry) follow(chunk.fileName);
const dictionary = [...chunks.values()].find(({ facadeModuleId }) => facadeModuleId?.endsWith('/texts/de.ts'));
if (dictionary) follow(dictionary.fileName);

const other = [...chunks.values()].find(({ facadeModuleId }) => facadeModuleId?.endsWith('/texts/en.ts'));
const sum = (names) => names.reduce((total, name) => total + sizeOf(chunks.get(name)?.code ?? ''), publicBytes);
const [{ output: sdk }] = await buildOf('sdk');
const sizes = [
  ['console, first screen', sum([...first]), FIRST_KB],
  ['console, whole', sum([...chunks.keys()].filter((name) => name !== other?.fileName)), WHOLE_KB],
  ['sdk', sizeOf(sdk[0].code), SDK_KB],
];
for (const [name, bytes, limit] of sizes) {
  const kb = bytes / 1_000;
  console.log(`${name}: ${kb.toFixed(1)} kB of JavaScript, limit ${limit} kB`);
  if (kb > limit) process.exitCode = 1;
}

function buildOf(folder) {
  return build({ configFile: join(ROOT, folder, 'vite.config.ts'), logLevel: 'warn', build: { write: false } });
}

/** A chunk and what it imports at once. */
function follow(name) {
  if (first.has(name)) return;
  first.add(name);
  for (const imported of chunks.get(name)?.imports ?? []) follow(imported);
}

function sizeOf(content) {
  return gzipSync(content).length;
}
