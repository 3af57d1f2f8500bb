import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { issueToken } from '../harness/api.js';
import { startCarillon } from '../harness/carillon.js';

/**
 * Generates a client from docs/openapi.json in each language, compiles it, and sends and reads a message with a small
 * program on top of it. Without arguments every language that this machine has a compiler for: `npm run clients -- go`.
 */

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const OPENAPI = join(ROOT, 'docs/openapi.json');
const OAPI_CODEGEN = 'v2.8.2';
const OAPI_RUNTIME = 'v1.9.0';
const PYTHON_CLIENT = '0.29.1';

type Step = [command: string, ...args: string[]];
interface Language {
  /** Without it the language is left out. */
  needs: Step;
  prepare?: (folder: string) => void;
  /** The last one prints `read <message id> <audience>`. */
  steps: Step[];
}

const LANGUAGES: Record<string, Language> = {
  typescript: {
    needs: ['node', '--version'],
    prepare: (folder) => {
      writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
      symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
    },
    steps: [
      ['npx', 'openapi-typescript', OPENAPI, '--output', 'carillon.ts'],
      [
        ...(['npx', 'tsc', '--noEmit', '--strict', '--skipLibCheck', '--types', 'node'] as const),
        ...(['--module', 'nodenext', '--target', 'es2023', 'send.ts'] as const),
      ],
      ['npx', 'tsx', 'send.ts'],
    ],
  },
  go: {
    needs: ['go', 'version'],
    prepare: (folder) => mkdirSync(join(folder, 'carillon')),
    steps: [
      ['go', 'mod', 'init', 'example.com/send'],
      ['go', 'get', `github.com/oapi-codegen/runtime@${OAPI_RUNTIME}`],
      [
        ...(['go', 'run', `github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen@${OAPI_CODEGEN}`] as const),
        ...['-generate', 'types,client', '-package', 'carillon', '-o', 'carillon/carillon.gen.go', OPENAPI],
      ],
      ['go', 'mod', 'tidy'],
      ['go', 'vet', './...'],
      ['go', 'run', '.'],
    ],
  },
  java: {
    needs: ['mvn', '--version'],
    steps: [['mvn', '--batch-mode', '--quiet', `-Dopenapi=${OPENAPI}`, 'compile', 'exec:java']],
  },
  python: {
    needs: ['python3', '-m', 'venv', '--help'],
    steps: [
      ['python3', '-m', 'venv', 'venv'],
      ['venv/bin/pip', 'install', '--quiet', `openapi-python-client==${PYTHON_CLIENT}`],
      [
        'venv/bin/openapi-python-client',
        'generate',
        '--path',
        OPENAPI,
        '--meta',
        'none',
        '--output-path',
        'carillon_client',
      ],
      ['venv/bin/python', '-m', 'compileall', '-q', 'carillon_client'],
      ['venv/bin/python', 'send.py'],
    ],
  },
};

const asked = process.argv.slice(2);
const folder = mkdtempSync(join(tmpdir(), 'carillon-clients-'));
const carillon = await startCarillon({ DATA_DIR: join(folder, 'data') });
let failed = 0;
try {
  const token = await issueToken(carillon.url, 'messages.write messages.read push.application.com.example.app');
  for (const [name, language] of Object.entries(LANGUAGES))
    if (asked.length === 0 || asked.includes(name)) failed += run(name, language, token) ? 0 : 1;
} finally {
  await carillon.stop();
  rmSync(folder, { recursive: true, force: true });
}
process.exitCode = failed > 0 ? 1 : 0;

function run(name: string, { needs, prepare, steps }: Language, token: string): boolean {
  const [probe, ...probeArgs] = needs;
  if (spawnSync(probe, probeArgs).status !== 0) {
    console.log(`${name}: left out, this machine has no ${needs.join(' ')}`);
    return true;
  }
  const place = join(folder, name);
  cpSync(join(ROOT, 'test/clients', name), place, { recursive: true });
  prepare?.(place);
  const env = { ...process.env, CARILLON_URL: carillon.url, CARILLON_TOKEN: token };
  let output = '';
  for (const [command, ...args] of steps) {
    const done = spawnSync(command, args, { cwd: place, env, encoding: 'utf8' });
    output = `${done.stdout}${done.stderr}`;
    if (done.status !== 0) {
      console.log(`${name}: ${command} ${args.join(' ')} ended with ${done.status}\n${output.slice(-6_000)}`);
      return false;
    }
  }
  const read = /^read \S+ 1$/m.exec(output)?.[0];
  console.log(read ? `${name}: generated, compiled, ${read}` : `${name}: the message was not read\n${output}`);
  return read !== undefined;
}
