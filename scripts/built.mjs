import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * Compiles `src` into `dist` (`npm run build`, some 20 s) unless `dist` was compiled from the same files:
 * `dist/.sources` is the SHA-256 of their names and contents. Contents and not times, because a file that is restored
 * from an archive has an old time.
 */

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const MARK = join(ROOT, 'dist/.sources');
const CONFIGURATION = ['nest-cli.json', 'package-lock.json', 'tsconfig.build.json', 'tsconfig.json'];

const sources = hashOf([...CONFIGURATION, ...sourceFiles()]);
if (sources !== markOf()) {
  const { status } = spawnSync('npm', ['run', '--silent', 'build'], { cwd: ROOT, stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
  writeFileSync(MARK, sources);
}

function sourceFiles() {
  return readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.spec.ts'))
    .map((file) => join('src', file))
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

function markOf() {
  try {
    return readFileSync(MARK, 'utf8');
  } catch {
    return null;
  }
}
