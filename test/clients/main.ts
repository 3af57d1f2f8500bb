import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { issueToken } from '../harness/api.js';
import { startCarillon } from '../harness/carillon.js';

/**
 * Generates a client from the API's document in each language, compiles it, and sends and reads a message with a small
 * program on top of it. Go, Java and Python run their page of the documents as it is written. Without arguments every
 * language that this machine has a compiler for: `npm run clients -- go`.
 */

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

interface Language {
  /** Without it the language is left out. */
  needs: [command: string, ...args: string[]];
  files: (folder: string) => void;
  /** For bash; prints `read <message id> <audience>`. */
  script: string;
}

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
      npx tsx send.ts`,
  },
  go: { needs: ['go', 'version'], ...readPage('docs/client-go.md') },
  java: { needs: ['mvn', '--version'], ...readPage('docs/client-java.md') },
  python: { needs: ['python3', '-m', 'venv', '--help'], ...readPage('docs/client-python.md') },
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

function run(name: string, { needs, files, script }: Language, token: string): boolean {
  const [probe, ...probeArgs] = needs;
  if (spawnSync(probe, probeArgs).status !== 0) {
    console.log(`${name}: left out, this machine has no ${needs.join(' ')}`);
    return true;
  }
  const place = join(folder, name);
  mkdirSync(place);
  files(place);
  const client = { CARILLON_TOKEN: token, CARILLON_ID: 'test', CARILLON_SECRET: 'test' };
  const env = { ...process.env, CARILLON_URL: carillon.url, ...client };
  const done = spawnSync('bash', ['-euxo', 'pipefail', '-c', script], { cwd: place, env, encoding: 'utf8' });
  const output = `${done.stdout}${done.stderr}`.slice(-6_000);
  if (done.status !== 0) {
    console.log(`${name}: ended with ${done.status}\n${output}`);
    return false;
  }
  const read = /^read \S+ 1$/m.exec(output)?.[0];
  console.log(read ? `${name}: generated, compiled, ${read}` : `${name}: the message was not read\n${output}`);
  return read !== undefined;
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
