import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { EVENT_NAMES } from '../../src/events/event-types.js';
import { issueToken } from '../harness/api.js';
import { makeEveryEvent } from '../harness/every-event.js';
import type { Posted } from '../harness/event-receiver.js';
import { startSimulators } from '../simulators/client.js';

/**
 * Generates a client from the API's document in each language, compiles it, and sends and reads a message with a small
 * program on top of it. Go, Java and Python run their page of the documents as it is written. The libraries of Standard
 * Webhooks verify a request of each type of event that the server has posted to a webhook. Deno and Bun run the tests
 * of `carillon/client`. Without arguments everything that this machine has a compiler or runtime for:
 * `npm run clients -- go`.
 */

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

interface Language {
  /** Without it the language is left out. */
  needs: [command: string, ...args: string[]];
  files?: (folder: string) => void;
  /** For bash. */
  script: string;
  /** The output must have them all. */
  shows: RegExp[];
}

const VERIFIERS = join(ROOT, 'test/clients/verify');
/** The message and its audience; the number of events. */
const READ = /^read \S+ 1$/m;
const VERIFIED = new RegExp(`^verified ${EVENT_NAMES.length}$`, 'm');
const TESTED = /^ +Tests +\d+ passed \(\d+\)$/m;

const go = readPage('docs/client-go.md');
const java = readPage('docs/client-java.md');
const python = readPage('docs/client-python.md');

const LANGUAGES: Record<string, Language> = {
  typescript: {
    needs: ['node', '--version'],
    files: (folder) => {
      cpSync(join(ROOT, 'test/clients/typescript'), folder, { recursive: true });
      writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
      symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
    },
    script: `
      npx openapi-typescript "$CARILLON_URL/imfpush/v1/swagger.json" --output carillon.ts
      npx tsc --noEmit --strict --skipLibCheck --types node --module nodenext --target es2023 send.ts
      npx tsx send.ts
      node ${VERIFIERS}/verify.mjs`,
    shows: [READ, VERIFIED],
  },
  go: {
    needs: ['go', 'version'],
    files: go.files,
    script: `${go.script}
      mkdir verify && cp ${VERIFIERS}/verify.go verify/
      go get github.com/standard-webhooks/standard-webhooks/libraries@v0.0.1
      go run ./verify`,
    shows: [READ, VERIFIED],
  },
  java: { needs: ['mvn', '--version'], ...java, shows: [READ] },
  python: {
    needs: ['python3', '-m', 'venv', '--help'],
    files: python.files,
    script: `${python.script}
      venv/bin/pip install --quiet standardwebhooks==1.1.0
      venv/bin/python ${VERIFIERS}/verify.py`,
    shows: [READ, VERIFIED],
  },
  deno: runtime('@deno/linux-x64-glibc@2.9.6', 'deno run --allow-all'),
  bun: runtime('@oven/bun-linux-x64-baseline@1.4.5', 'bin/bun --bun'),
};

/** The tests of `carillon/client` in a runtime that is a package of the registry. */
function runtime(release: string, command: string): Language {
  const name = release.slice(0, release.lastIndexOf('@'));
  return {
    needs: ['sh', '-c', '[ "$(uname -sm)" = "Linux x86_64" ]'],
    script: `
      npm install --silent --ignore-scripts --prefix "$PWD" ${release}
      runtime="$PWD/node_modules/${name}" DENO_DIR="$PWD/cache" NO_COLOR=1
      export DENO_DIR NO_COLOR
      cd ${ROOT}
      $runtime/${command} node_modules/vitest/vitest.mjs run --config test/clients/runtime.config.ts`,
    shows: [TESTED],
  };
}

const asked = process.argv.slice(2);
const folder = mkdtempSync(join(tmpdir(), 'carillon-clients-'));
const simulators = await startSimulators();
const server = await makeEveryEvent({ DATA_DIR: join(folder, 'data') }, simulators);
const { url } = server.api;
let failed = 0;
try {
  const token = await issueToken(url, 'messages.write messages.read push.application.com.example.app');
  for (const [name, language] of Object.entries(LANGUAGES))
    if (asked.length === 0 || asked.includes(name)) {
      // A request is good for five minutes, and the language before may have taken longer.
      await server.replay();
      failed += run(name, language, token, writeEvents(server.receiver.posted)) ? 0 : 1;
    }
} finally {
  await server.stop();
  await simulators.stop();
  rmSync(folder, { recursive: true, force: true });
}
process.exitCode = failed > 0 ? 1 : 0;

/** One request of each type, in a folder with the type's name; returns the variables of the verifiers. */
function writeEvents(posted: readonly Posted[]): Record<string, string> {
  const events = join(folder, 'events');
  for (const { type, body, headers } of posted) {
    const place = join(events, type);
    mkdirSync(place, { recursive: true });
    writeFileSync(join(place, 'body'), body);
    writeFileSync(join(place, 'headers.json'), JSON.stringify(headers));
  }
  return { CARILLON_EVENTS: events, CARILLON_WEBHOOK_SECRET: server.secret };
}

function run(
  name: string,
  { needs, files, script, shows }: Language,
  token: string,
  events: Record<string, string>,
): boolean {
  const [probe, ...probeArgs] = needs;
  if (spawnSync(probe, probeArgs).status !== 0) {
    console.log(`${name}: left out, this machine has no ${needs.join(' ')}`);
    return true;
  }
  const place = join(folder, name);
  mkdirSync(place);
  files?.(place);
  const client = { CARILLON_TOKEN: token, CARILLON_ID: 'test', CARILLON_SECRET: 'test' };
  const env = { ...process.env, CARILLON_URL: url, ...client, ...events };
  const done = spawnSync('bash', ['-euxo', 'pipefail', '-c', script], { cwd: place, env, encoding: 'utf8' });
  const output = `${done.stdout}${done.stderr}`.slice(-6_000);
  const shown = shows.map((line) => line.exec(output)?.[0].trim());
  const isDone = done.status === 0 && shown.every((line) => line !== undefined);
  console.log(isDone ? `${name}: ${shown.join(', ')}` : `${name}: ended with ${done.status}\n${output}`);
  return isDone;
}

/** A block after a line that names a file is that file; the block for the shell is the script. */
function readPage(path: string): Pick<Language, 'files' | 'script'> {
  const page = readFileSync(join(ROOT, path), 'utf8');
  return {
    script: /^```sh\n(.*?)^```$/ms.exec(page)![1]!,
    files: (folder) => {
      for (const [, name, text] of page.matchAll(/^`([^`\n]+)`:\n\n```\w+\n(.*?)^```$/gms)) {
        mkdirSync(dirname(join(folder, name!)), { recursive: true });
        writeFileSync(join(folder, name!), text!);
      }
    },
  };
}
