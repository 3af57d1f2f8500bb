import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runToEnd, startCarillon } from '../harness/carillon.js';
import { Admin, RUNTIME, basic } from '../harness/admin.js';
import { EMBEDDED, EMPTY_SERVERS, STAGES } from './stages.js';

/** Commands of the program, as an operator runs them. */

const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'carillon-commands-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

it.each(['version', '--version'])('%s prints the version', async (word) => {
  expect(await runToEnd({ DATA_DIR: join(folder, 'none') }, word)).toEqual({ code: 0, output: `${version}\n` });
  expect(existsSync(join(folder, 'none'))).toBe(false);
});

it('help lists the commands', async () => {
  const DATA_DIR = join(folder, 'none');
  const { code, output } = await runToEnd({ DATA_DIR }, '--help');
  expect([code, existsSync(DATA_DIR)]).toEqual([0, false]);
  for (const name of ['start', 'audit', 'check', 'migrate', 'rekey', 'version', 'help'])
    expect(output).toMatch(new RegExp(`^ {2}${name} +\\S`, 'm'));
});

it.each([
  [['--chek'], 'There is no command "--chek": --help lists them'],
  [['toString'], 'There is no command "toString": --help lists them'],
  [['check', 'all'], 'check takes no arguments: "all"'],
  [['migrate', '--plans'], 'Usage: migrate [--plan]'],
  [['audit', 'verify', '--checkpoint'], 'Usage: audit verify [--checkpoint FILE] | checkpoint'],
  [['audit', 'verify', 'x'], 'Usage: audit verify [--checkpoint FILE] | checkpoint'],
  [['start', 'now'], 'There is no command "start": --help lists them'],
])('%j is refused with exit code 2', async (words, message) => {
  expect(await runToEnd({ DATA_DIR: join(folder, 'none') }, ...words)).toEqual({
    code: 2,
    output: `carillon: ${message}\n`,
  });
});

describe('check', () => {
  it('of a new installation makes no folder', async () => {
    const DATA_DIR = join(folder, 'new');
    const { code, output } = await runToEnd({ DATA_DIR }, '--check');
    expect(output.split('\n')).toEqual([
      'ok       settings     development, roles api, worker, scheduler',
      `ok       database     embedded, the first start makes it in ${DATA_DIR}`,
      'ok       queue        in the database',
      '',
    ]);
    expect(code).toBe(0);
    expect(existsSync(DATA_DIR)).toBe(false);
  });

  it('names wrong settings', async () => {
    const { code, output } = await runToEnd({ PORT: 'x', MASTER_KEY: 'y' }, 'check');
    expect(output).toBe(
      'FAILED   settings     Settings: PORT must be a number from 0 to 65535; MASTER_KEY must be 32 bytes in base64\n',
    );
    expect(code).toBe(1);
  });

  it('names servers that are away', async () => {
    const environment = {
      DATABASE_URL: 'postgres://carillon@127.0.0.1:1/carillon',
      QUEUE_URL: 'redis://127.0.0.1:1',
      MASTER_KEY: randomBytes(32).toString('base64'),
    };
    const { code, output } = await runToEnd(environment, 'check');
    expect(output).toMatch(/^FAILED {3}database {5}The database cannot be reached \(PostgreSQL at 127\.0\.0\.1:1/m);
    expect(output).toMatch(/^FAILED {3}queue {8}The queue cannot be reached/m);
    expect(code).toBe(1);
  });

  it.skipIf(EMPTY_SERVERS === null)('changes nothing on a server, before and after the migrations', async () => {
    const { environment } = await EMPTY_SERVERS!.prepare();
    const before = await runToEnd(environment, 'check');
    expect(before.output).toMatch(/^ok {7}migrations {3}missing: 0001-foundation, /m);
    expect(before.code).toBe(0);
    expect((await runToEnd(environment, 'check')).output).toBe(before.output);
    expect((await runToEnd(environment, 'migrate', '--plan')).output).toMatch(/is new: \d+ steps make the tables/);
    const carillon = await startCarillon(environment);
    expect((await runToEnd(environment, 'migrate', '--plan')).output).toMatch(/^No step is missing/);
    const beside = await runToEnd(environment, 'check');
    expect(beside.output).toMatch(/^ok {7}migrations {3}none is missing$/m);
    expect(beside.output).toMatch(/^ok {7}master key {3}[0-9a-f]{16}, opens all stored secrets \(1\)$/m);
    expect(beside.output).toMatch(/^ok {7}queue {8}Redis at /m);
    expect(beside.code).toBe(0);
    await carillon.stop();
  });
});

it('rekey of an embedded database, while it is stopped', async () => {
  const { environment, clean } = await EMBEDDED.prepare();
  const [first, second] = [0, 1].map(() => randomBytes(32).toString('base64'));
  await (await startCarillon({ ...environment, MASTER_KEY: first! })).stop();
  const done = await runToEnd({ ...environment, MASTER_KEY: second!, MASTER_KEY_PREVIOUS: first! }, 'rekey');
  expect(done.output).toMatch(/^Stored secrets put under MASTER_KEY \(key [0-9a-f]{16}\): 1$/m);
  expect(done.output).toMatch(/MASTER_KEY_PREVIOUS is no longer needed$/m);
  expect(done.code).toBe(0);
  const carillon = await startCarillon({ ...environment, MASTER_KEY: second! });
  type Listed = { events: { action: string; clientId: string; detail: object }[] };
  const { body } = await new Admin(carillon.url).call<Listed>('GET', '/auditevents?action=command.rekey');
  const { username } = userInfo();
  expect(body.events).toMatchObject([
    { clientId: 'operator:command', outcome: 'done', detail: { changed: 1, failed: 0, behind: 0, user: username } },
  ]);
  await carillon.stop();
  clean();
});

describe.each(STAGES)('audit on $name', (stage) => {
  it('verifies the chain, and compares it with checkpoints and exports', async () => {
    const { environment, clean } = await stage.prepare();
    const settings = { ...environment, NODE_ENV: 'development', ADMIN_CLIENT_ID: 'a', ADMIN_CLIENT_SECRET: 'a' };
    const carillon = await startCarillon(settings);
    const admin = new Admin(carillon.url, basic('a', 'a'));
    for (let n = 0; n < 3; n++) await admin.addClient(`client-${n}`, 'tags.read');
    type Listed = { events: { hash?: string }[] };
    await expect
      .poll(async () => (await admin.call<Listed>('GET', '/auditevents?size=1')).body.events[0]?.hash, {
        timeout: 20_000,
      })
      .toMatch(/^[0-9a-f]{64}$/);
    const exported = await fetch(`${carillon.url}${RUNTIME}/auditevents`, {
      headers: { authorization: basic('a', 'a'), accept: 'application/x-ndjson' },
    });
    const file = join(folder, 'export.ndjson');
    writeFileSync(file, await exported.text());
    await carillon.stop();
    const verified = await runToEnd(settings, 'audit', 'verify', '--checkpoint', file);
    expect(verified.output).toMatch(/^The chain is whole: \d+ events up to \d+, compared with [1-9]\d* checkpoints$/m);
    expect(verified.code).toBe(0);
    const printed = await runToEnd(settings, 'audit', 'checkpoint');
    expect(printed.output).toMatch(/^\{"seq":\d+,"hash":"[0-9a-f]{64}"\}\n$/);
    writeFileSync(
      file,
      printed.output.replace(/"seq":(\d+)/, (_whole, seq) => `"seq":${Number(seq) + 1_000}`),
    );
    const again = await startCarillon(settings);
    const found = await new Admin(again.url, basic('a', 'a')).call<Listed>(
      'GET',
      '/auditevents?action=command.checkpoint',
    );
    expect(found.body.events).toMatchObject([{ detail: { seq: (JSON.parse(printed.output) as { seq: number }).seq } }]);
    await again.stop();
    const cut = await runToEnd(settings, 'audit', 'verify', '--checkpoint', file);
    expect(cut.output).toMatch(/^A checkpoint has event \d+, which is not in the chain/);
    expect(cut.code).toBe(1);
    clean();
  });
});
