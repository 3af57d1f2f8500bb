import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { issueToken } from '../harness/api.js';
import { startCarillon } from '../harness/carillon.js';

/**
 * schemathesis sends what docs/openapi.json allows, and what it does not allow, to a running program, and holds each
 * answer against the document. Further arguments are schemathesis's: `npm run schemathesis -- --max-examples 10`.
 */

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const SCHEMATHESIS = 'schemathesis==4.32.5';
/** Of each operation; about a hundred operations make 5,000 cases and more. */
const EXAMPLES = '50';

const folder = mkdtempSync(join(tmpdir(), 'carillon-schemathesis-'));
const venv = join(folder, 'venv');
const installed = process.env.SCHEMATHESIS ?? install();
const carillon = await startCarillon({ DATA_DIR: join(folder, 'data'), INVALID_CLIENT_STATUS: '401' });
try {
  const token = await issueToken(carillon.url, '*');
  const done = spawnSync(
    installed,
    [
      ...['--config-file', join(ROOT, 'test/clients/schemathesis.toml'), 'run', join(ROOT, 'docs/openapi.json')],
      ...['--url', carillon.url, '--max-examples', EXAMPLES, ...process.argv.slice(2)],
    ],
    {
      cwd: folder,
      stdio: 'inherit',
      env: {
        ...process.env,
        CARILLON_TOKEN: token,
        SCHEMATHESIS_HOOKS: join(ROOT, 'test/clients/schemathesis_hooks.py'),
      },
    },
  );
  process.exitCode = done.status ?? 1;
} finally {
  await carillon.stop();
  rmSync(folder, { recursive: true, force: true });
}

/** Returns the path of the program. */
function install(): string {
  for (const [command, ...args] of [
    ['python3', '-m', 'venv', venv],
    [join(venv, 'bin/pip'), 'install', '--quiet', SCHEMATHESIS],
  ] as const)
    if (spawnSync(command, args, { stdio: 'inherit' }).status !== 0) throw new Error(`${command} ${args.join(' ')}`);
  return join(venv, 'bin/schemathesis');
}
