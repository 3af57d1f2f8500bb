import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * Builds `src` into `dist` (some 20 s), the types of the client beside it (some 8 s), `console` into
 * `dist/console/page` (some 3 s) and `sdk` into `dist/sdk/page`, each unless built from the same files: `.sources` in
 * its folder is the SHA-256 of their names and contents. Contents and not times, because a file that is restored from
 * an archive has an old time.
 */

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const PROGRAM = {
  mark: 'dist/.sources',
  script: 'program:build',
  files: [
    'nest-cli.json',
    'package-lock.json',
    'tsconfig.build.json',
    'tsconfig.json',
    ...filesBelow('src', isProgram),
  ],
};
const CLIENT = {
  mark: 'dist/client/.sources',
  script: 'client:build',
  files: [
    'docs/openapi.json',
    'package-lock.json',
    'scripts/client-build.mjs',
    'tsconfig.client.json',
    'tsconfig.json',
    ...filesBelow('src/client', isProgram),
  ],
};
const CONSOLE = {
  mark: 'dist/console/page/.sources',
  script: 'console:build',
  files: ['package-lock.json', ...filesBelow('console', isPage)],
};
const SDK = {
  mark: 'dist/sdk/page/.sources',
  script: 'sdk:build',
  files: ['package-lock.json', ...filesBelow('sdk', isPage)],
};

// The first empties `dist`, so that the others are built after it.
for (const part of [PROGRAM, CLIENT, CONSOLE, SDK]) {
  const sources = hashOf(part.files);
  if (sources === markOf(part.mark)) continue;
  const { status } = spawnSync('npm', ['run', '--silent', part.script], { cwd: ROOT, stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
  writeFileSync(join(ROOT, part.mark), sources);
}

function isProgram(file) {
  return /(?<!\.d|\.spec)\.ts$/.test(file);
}

/** The types of the API leave no code behind. */
function isPage(file) {
  return /\.\w+$/.test(file) && !/\.spec\.ts$|\.d\.ts$|\.md$|^node_modules/.test(file);
}

function filesBelow(folder, isSource) {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter(isSource)
    .map((file) => join(folder, file))
    .sort();
}

function hashOf(files) {
  const hash = createHash('sha256');
  for (const file of files)
    hash
      .update(`${file}\0`)
      .update(readFileSync(join(ROOT, file)))
      .update('\0');
  return hash.digest('hex');
}

function markOf(mark) {
  try {
    return readFileSync(join(ROOT, mark), 'utf8');
  } catch {
    return null;
  }
}
