import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Api } from '../harness/api.js';
import { startCarillon } from '../harness/carillon.js';
import type { RunningCarillon } from '../harness/carillon.js';
import { startCuttingProxy } from '../harness/cutting-proxy.js';
import { findBinary } from '../harness/programs.js';
import { freePort } from '../harness/servers.js';
import { EMBEDDED } from './stages.js';

/** The command line against a running server, as a person types it. */

const MAIN = resolve('dist/main.js');
const CONTROLS = 'a\u001b[2J\u001b]52;c;aGk=\u0007\u009bx\r\u202e漢字😀';

let carillon: RunningCarillon;
/** Of the server. */
let settings: Record<string, string>;
let api: Api;
let clean: () => void;
let folder: string;

beforeAll(async () => {
  const prepared = await EMBEDDED.prepare();
  clean = prepared.clean;
  // A server that is killed starts again at the same address.
  settings = { ...prepared.environment, PORT: String(await freePort()) };
  carillon = await startCarillon(settings);
  api = await Api.connect(carillon.url);
  folder = mkdtempSync(join(tmpdir(), 'carillon-cli-'));
  const { status, stderr } = run('umask 0; carillon login --url $URL --app com.example.app --client test', {
    CARILLON_SECRET: 'test',
  });
  if (status !== 0) throw new Error(stderr);
});

afterAll(async () => {
  await carillon?.stop();
  clean?.();
  rmSync(folder, { recursive: true, force: true });
});

function environment(more: Record<string, string> = {}): Record<string, string> {
  const { PATH = '' } = process.env;
  return { PATH, HOME: folder, XDG_CONFIG_HOME: join(folder, 'config'), URL: carillon.url, TERM: 'xterm', ...more };
}

/** Lines of bash, in which `carillon` is the program. */
function run(lines: string, more?: Record<string, string>): { status: number | null; stdout: string; stderr: string } {
  const text = `carillon() { "${process.execPath}" "${MAIN}" "$@"; }\n${lines}`;
  return spawnSync('bash', ['-c', text], {
    cwd: folder,
    env: environment(more),
    encoding: 'utf8',
    timeout: 120_000,
    maxBuffer: 1e8,
  });
}

/** The same on a terminal, whose input is `keys`; stdout and stderr come together. */
function runOnTerminal(
  lines: string,
  more?: Record<string, string>,
  keys = '',
): { status: number | null; stdout: string } {
  const text = `carillon() { "${process.execPath}" "${MAIN}" "$@"; }; ${lines}`;
  return onTerminal(`bash -c '${text}'`, more, keys);
}

/** A command whose input is a terminal's. */
function onTerminal(
  command: string,
  more?: Record<string, string>,
  keys = '',
): { status: number | null; stdout: string } {
  return spawnSync('script', ['-qec', command, '/dev/null'], {
    cwd: folder,
    env: environment(more),
    encoding: 'utf8',
    input: keys,
    timeout: 60_000,
  });
}

function idOf(text: string): string {
  return (JSON.parse(text) as { messageId: string }).messageId;
}

describe('login', () => {
  const file = (): string => join(folder, 'config/carillon/login.json');

  it('is readable for its owner alone, whatever the umask', () => {
    expect(statSync(file()).mode & 0o777).toBe(0o600);
    expect(statSync(join(file(), '..')).mode & 0o777).toBe(0o700);
    expect(readdirSync(join(file(), '..'))).toEqual(['login.json']);
  });

  it('with a wrong secret keeps the one before, and prints no secret', () => {
    const before = readFileSync(file(), 'utf8');
    const { status, stdout, stderr } = run(
      'echo wrong-one | carillon login --url $URL --app a --client test --secret-file -',
    );
    expect([status, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(/^carillon: invalid_client: .*\n$/);
    expect(stderr).not.toContain('wrong-one');
    expect(readFileSync(file(), 'utf8')).toBe(before);
  });

  it('asks on a terminal for the secret, and does not show it', () => {
    const login = 'carillon login --url $URL --app com.example.app --client test';
    const { status, stdout } = runOnTerminal(`export XDG_CONFIG_HOME=$PWD/asked; ${login}`, {}, 'test\n');
    expect(stdout).toContain('Secret: ');
    expect(status).toBe(0);
    expect(JSON.parse(readFileSync(join(folder, 'asked/carillon/login.json'), 'utf8'))).toMatchObject({
      clientSecret: 'test',
    });
  });
});

it('the lines of docs/cli.md run, each with success', () => {
  const blocks = [...readFileSync('docs/cli.md', 'utf8').matchAll(/(?:^ {4}.*\n)+/gm)].map(([block]) => block);
  const lines = blocks.join('').replaceAll(/^ {4}/gm, '').split('\n');
  const tried = lines.map((line) => {
    if (line.startsWith('alias')) return '';
    if (line.startsWith('carillon events'))
      return `timeout 2 "${process.execPath}" "${MAIN}" ${line.slice(9)} || [ $? -eq 124 ]`;
    return line.replaceAll('http://localhost:9080', '$URL');
  });
  const { status, stdout, stderr } = run(`set -e\n${tried.join('\n')}`);
  expect([stderr.match(/^carillon: .*/gm), status]).toEqual([null, 0]);
  expect(stdout).toMatch(/^anna-phone {2}\w{8} {2}accepted/m);
});

describe('a text', () => {
  it.each([
    ['--text=-20', '-20'],
    [`--text='-20 % today'`, '-20 % today'],
    ['-t-5', '-5'],
    [`--text "it's"`, "it's"],
  ])('%s is sent as it is', async (words, alert) => {
    const { status, stdout, stderr } = run(`carillon send ${words} --device kiosk --json`);
    expect([status, stderr]).toEqual([0, '']);
    expect((await api.app('GET', `/messages/${idOf(stdout)}`)).body.alert).toBe(alert);
  });

  it.each(['--text "-20 % today"', '-t -5', '--text', '--text ""', '--', '--txt a'])(
    '%s is refused, and nothing is sent',
    async (words) => {
      const count = async (): Promise<number> =>
        (await api.app<{ messages: [] }>('GET', '/messages?size=1000')).body.messages.length;
      const before = await count();
      const { status, stdout, stderr } = run(`carillon send ${words} --device kiosk`);
      expect([status, stdout]).toEqual([2, '']);
      expect(stderr.split('\n')).toHaveLength(2);
      if (words.includes(' -') || words.includes('"-')) expect(stderr).toContain('--text=');
      expect(await count()).toBe(before);
    },
  );

  it('without a target needs --all', () => {
    expect(run('carillon send --text Hi')).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('--all') as string,
    });
  });

  it('a device id that begins with a dash comes after --', () => {
    expect(run('carillon why -abc m').status).toBe(2);
    expect(run('carillon why -- -abc m').stderr).toContain('FPWSE0001E');
  });
});

describe('watch', () => {
  async function sent(body: object): Promise<string> {
    const { status, body: answer } = await api.app<{ messageId: string }>('POST', '/messages', body);
    expect(status).toBe(202);
    return answer.messageId;
  }

  it('ends with the same code for a message that ends now and one that ended before', async () => {
    const tokens = {
      fails: 'sandbox:failed:fails',
      dead: 'sandbox:rejected:dead',
      busy: 'sandbox:throttled-forever:b',
    };
    for (const [name, token] of Object.entries(tokens))
      await api.app('POST', '/devices', { deviceId: name, platform: 'A', token });
    const hello = { message: { alert: 'Hello' } };
    const bad = run('carillon send --text Hi --device fails --device dead --watch --json');
    expect(bad.status).toBe(3);
    expect(run(`carillon watch ${idOf(bad.stdout)}`).status).toBe(3);
    const good = run('carillon send --text Hi --device kiosk --watch --json');
    expect(good.status).toBe(0);
    expect(run(`carillon watch ${idOf(good.stdout)}`).status).toBe(0);
    const late = JSON.stringify({ ...hello, ttl: 2, target: { deviceIds: ['busy'] } });
    const expired = run(`echo '${late}' | carillon send --file - --watch --json`);
    expect(JSON.parse(expired.stdout)).toMatchObject({ state: 'expired', outcomes: { expired: 1 } });
    expect([expired.status, run(`carillon watch ${idOf(expired.stdout)}`).status]).toEqual([4, 4]);
    const later = await sent({ ...hello, sendAt: new Date(Date.now() + 3_600_000).toISOString() });
    await api.app('DELETE', `/messages/${later}`);
    expect(run(`carillon watch ${later}`).status).toBe(4);
    expect(run('carillon watch none').status).toBe(1);
    expect(run('carillon watch none --url http://127.0.0.1:1').status).toBe(1);
  });

  it('ends with 130 by Ctrl-C, after the id was printed, and the message goes on', async () => {
    const sendAt = new Date(Date.now() + 3_600_000).toISOString();
    writeFileSync(join(folder, 'later.json'), JSON.stringify({ message: { alert: 'Later' }, sendAt }));
    const child = spawn(process.execPath, [MAIN, 'send', '--file', 'later.json', '--watch'], {
      cwd: folder,
      env: environment(),
    });
    const id = await new Promise<string>((found) => {
      let output = '';
      child.stderr.on('data', (chunk: Buffer) => {
        output += chunk.toString();
        const named = /message (\w{8})/.exec(output);
        if (named && output.includes('scheduled')) found(named[1]!);
      });
    });
    child.kill('SIGINT');
    expect(await new Promise((ended) => child.once('exit', ended))).toBe(130);
    expect((await api.app('GET', `/messages/${id}`)).body.state).toBe('scheduled');
  });

  it('draws on a terminal, in no colour, and only there', () => {
    const drawn = runOnTerminal('carillon send --text Hi --device ben-browser --watch', { NO_COLOR: '1' });
    expect(drawn.status).toBe(0);
    expect(drawn.stdout).toContain('\r[');
    // Only the end of a line is cleared.
    expect(drawn.stdout.replaceAll('\u001b[K', '')).not.toContain('\u001b');
    for (const lines of ['carillon send --text Hi --device ben-browser --watch >f 2>&1; cat f', '']) {
      const plain =
        lines === '' ? runOnTerminal('carillon send --text Hi --device kiosk --watch', { TERM: 'dumb' }) : run(lines);
      expect(plain.stdout).toMatch(/accepted/);
      for (const control of ['\u001b', '\r']) expect(plain.stdout.replaceAll('\r\n', '\n')).not.toContain(control);
    }
  });
});

describe('on a terminal', () => {
  const GREETED = 'ID=$(carillon send --text Hi --device kiosk --json | jq -r .messageId); carillon watch $ID';
  it.each([
    ['send --text Hi --device kiosk', /^message\n\w{8}\n$/],
    ['send --text Hi --all --dry-run', /^audience +providers/],
    [GREETED, /^message +state +audience/m],
    [`${GREETED} >/dev/null 2>&1; carillon why kiosk $ID`, /^device +message +outcome.*\nkiosk +\w{8} +accepted/],
    ['messages --limit 2', /^message +state .*\n(\w{8} .*\n){2}$/],
    ['campaigns', /^none\n$/],
    ['clients', /^client +name .*\n(.*\n)*test +/],
    ['providers', /^provider +configured/],
    ['devices export', /^\{"deviceId":.*\n(.*\n)*\{"trailer":\{"count":\d+\}\}\n$/],
    ['devices export all.ndjson', /^devices +file\n\d+ +all.ndjson\n$/],
    ['devices import all.ndjson', /lines +created .*\n/],
    ['call GET /tags --scope tags.read', /^\{\n {2}"/],
    ['login --url $URL --app com.example.app --client test', /^url +application +client +file\n/],
    ['send --help', /^Usage: carillon send \[options\]\n/],
    ['help', /^Usage: carillon \[command\]/],
    ['version', /^\d+\.\d+\.\d+\n$/],
  ])('%s: a table, and no control but the end of the progress', (line, shows) => {
    const words = line.startsWith('ID=') ? line : `carillon ${line}`;
    const { status, stdout } = runOnTerminal(words, { CARILLON_SECRET: 'test' });
    const shown = stdout.replaceAll('\r\n', '\n').replaceAll(/\r\[.*\n?|\r\d+ lines.*\n?/g, '');
    expect(shown).toMatch(shows);
    for (const control of ['\u001b', '\r']) expect(shown.replaceAll('\u001b[K', '')).not.toContain(control);
    expect(status).toBe(0);
  });

  it('the commands on an installation too', () => {
    const lines = [`export DATA_DIR="${settings.DATA_DIR}"`, 'carillon backup copy', 'DATA_DIR=restored'];
    lines.push('carillon restore copy', `cp "${settings.DATA_DIR}/master.key" restored/`);
    for (const words of ['check', 'migrate --plan', 'migrate', 'rekey', 'audit verify'])
      lines.push(`carillon ${words}`);
    const { status, stdout } = runOnTerminal(`set -e; ${lines.join('; ')}`);
    expect([status, stdout.includes('\u001b')]).toEqual([0, false]);
    expect(stdout).toMatch(/are in copy\r\n[^]*^ok {7}settings [^]*^The chain is whole/m);
  });
});

describe('call', () => {
  const campaign = {
    name: 'Digest',
    content: { message: { alert: 'Hi' } },
    schedule: { at: ['2030-01-01T00:00:00Z'] },
  };

  it('makes any call of the API, with a body from an option, a file or a pipe', () => {
    writeFileSync(join(folder, 'campaign.json'), JSON.stringify(campaign));
    const { stdout, stderr, status } = run(`set -e
      ID=$(carillon call POST /campaigns --scope campaigns.write --file campaign.json | jq -r .campaignId)
      carillon call GET "/campaigns/$ID" --scope campaigns.read --json
      carillon call POST /tags --scope tags.write -d '{"name":"called","description":""}' --json
      jq -c '.name="Later"' campaign.json | carillon call PUT "/campaigns/$ID" --scope campaigns.write --file - --json
      carillon call DELETE "/campaigns/$ID" --scope campaigns.write
      carillon call GET /mfpadmin/management-apis/2.0/runtimes/mfp/confidentialclients --scope mfpadmin --json`);
    expect([status, stderr]).toEqual([0, 'done\n']);
    const answers = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(answers).toMatchObject([{ name: 'Digest' }, {}, { name: 'Later' }, { clients: expect.any(Array) as [] }]);
  });

  it.each([
    ['FETCH /tags', 2, 'The method is one of GET, '],
    ['GET tags', 2, 'begins with a slash'],
    ['POST /tags --data {', 2, '--data has no JSON'],
    ['POST /tags --data {} --file f', 2, 'two bodies'],
    ['GET /messages/none', 1, 'FPWSE0001E'],
    ['GET /tags --scope tags.none', 1, 'CARIL0403E'],
  ])('%s ends with %i', (words, code, says) => {
    const { status, stdout, stderr } = run(`carillon call ${words}`);
    expect([status, stdout]).toEqual([code, '']);
    expect(stderr).toContain(says);
    expect(stderr.split('\n')).toHaveLength(2);
  });
});

it('events go on over cut connections: each is printed once', async () => {
  await api.call('POST', '/apps', { applicationId: 'cut' });
  expect(
    run(`carillon call PUT /events/feed --app cut --scope events.write -d '{"eventTypes":"device.*"}'`).status,
  ).toBe(0);
  const devices = Array.from(
    { length: 400 },
    (_, n) => `{"deviceId":"é😀${n}","token":"sandbox:accepted:${n}","platform":"A"}`,
  );
  writeFileSync(join(folder, 'cut.ndjson'), devices.join('\n'));
  expect(run('carillon devices import cut.ndjson --app cut').status).toBe(0);
  const proxy = await startCuttingProxy(carillon.url, () => 1_500 + Math.floor(Math.random() * 2_000));
  const child = spawn(process.execPath, [MAIN, 'events', '--app', 'cut', '--after', 'oldest', '--json'], {
    cwd: folder,
    env: environment({ CARILLON_URL: proxy.url }),
  });
  let printed = '';
  child.stdout.setEncoding('utf8').on('data', (piece: string) => (printed += piece));
  await expect.poll(() => printed.split('\n').length, { timeout: 60_000 }).toBeGreaterThan(devices.length);
  child.kill('SIGINT');
  expect(await new Promise((ended) => child.once('exit', ended))).toBe(130);
  proxy.stop();
  const ids = printed
    .trimEnd()
    .split('\n')
    .map((line) => (JSON.parse(line) as { event: { data: { deviceId: string } } }).event.data.deviceId);
  expect(ids.toSorted()).toEqual(devices.map((_, n) => `é😀${n}`).toSorted());
  expect(proxy.cuts()).toBeGreaterThan(15);
});

describe('output', () => {
  it('of a reader that leaves ends quietly', () => {
    for (let n = 0; n < 3; n++) run('carillon send --text Hello --device kiosk');
    for (const lines of ['messages --json', 'messages', 'devices export', 'events --after oldest'])
      for (const reader of ['head -c 1', 'true']) {
        const { stdout, stderr } = run(
          `timeout 5 "${process.execPath}" "${MAIN}" ${lines} | ${reader} >/dev/null; echo \${PIPESTATUS[0]}`,
        );
        expect(stderr, lines).toBe('');
        expect(stdout, lines).toMatch(/^(0|141|124)\n$/);
      }
  });

  it.each([
    ['messages', 0, 'messages'],
    ['campaigns', 0, 'campaigns'],
    ['clients', 0, 'clients'],
    ['providers', 0, 'providers'],
    ['messages --label none', 0, 'messages'],
    ['why kiosk none', 1, 'error'],
    ['watch none', 1, 'error'],
    ['messages --app none', 1, 'error'],
    ['send --txt a', 2, 'error'],
    ['send --text Hi --all --dry-run', 0, 'dryRun'],
  ])('%s --json is one value, of an error too', (words, code, key) => {
    const { status, stdout, stderr } = run(`carillon ${words} --json`);
    expect([status, stderr]).toEqual([code, '']);
    expect(Object.keys(JSON.parse(stdout) as object)).toContain(key);
    expect(stdout).not.toContain('"clientSecret"');
  });

  it.each(['--client none', '--app none'])('of every command with %s is an error in JSON', (wrong) => {
    writeFileSync(join(folder, 'one.ndjson'), '{}\n');
    const commands = [
      'send --text Hi --device kiosk --watch',
      'send --text Hi --all --dry-run',
      'watch none',
      'why a b',
    ];
    commands.push(
      'messages',
      'campaigns',
      'providers',
      'devices export',
      'devices import one.ndjson',
      'events',
      'call GET /tags',
    );
    if (!wrong.startsWith('--app')) commands.push('clients');
    // Wrong secrets are counted for each client.
    const lines = commands.map(
      (words, n) => `carillon ${words} ${wrong.replace('client none', `client none${n}`)} --json; echo "$?"`,
    );
    const { stdout, stderr } = run(lines.join('\n'));
    expect(stderr).toBe('');
    const outputs = stdout.trimEnd().split('\n');
    expect(outputs.filter((_, n) => n % 2 === 1)).toEqual(commands.map(() => '1'));
    for (const output of outputs.filter((_, n) => n % 2 === 0))
      expect(JSON.parse(output)).toMatchObject({ error: { name: expect.stringMatching(/Error$/) as string } });
  });

  it('prints no control character of a name, and in JSON all of them', async () => {
    await api.app('POST', '/messages', {
      message: { alert: CONTROLS },
      label: CONTROLS,
      target: { deviceIds: ['kiosk'] },
    });
    const { stdout } = run('carillon messages');
    expect(stdout).toContain('\\x1b[2J');
    expect(stdout).toContain('漢字😀');
    for (const control of '\u001b\u009b\u202e\r\u0007') expect(stdout).not.toContain(control);
    const listed = JSON.parse(run('carillon messages --json').stdout) as { messages: { label?: string }[] };
    expect(listed.messages[0]!.label).toBe(CONTROLS);
    expect(run(`carillon why "$(printf 'a\\033[2J')" m`).stderr).not.toContain('\u001b');
  });
});

describe('devices import', () => {
  const line = (id: string): string => JSON.stringify({ deviceId: id, token: `sandbox:accepted:${id}`, platform: 'A' });
  const devicesOf = (app: string): string[] =>
    run(`carillon devices export --app ${app}`)
      .stdout.split('\n')
      .filter((text) => text !== '')
      .flatMap((text) => (JSON.parse(text) as { deviceId?: string }).deviceId ?? []);
  const write = (name: string, content: string | Buffer): void => writeFileSync(join(folder, name), content);
  const addApp = async (app: string): Promise<void> => {
    expect((await api.call('POST', '/apps', { applicationId: app, enabled: 'true' })).status).toBe(201);
  };

  it('goes on after kills: every device once, every rejected line once with its number', async () => {
    await addApp('killed');
    const lines = Array.from({ length: 60_000 }, (_, n) =>
      n % 1_000 === 7 ? `no JSON é😀 ${n}` : line(`device-${n}`),
    );
    write('big.ndjson', lines.join('\n'));
    for (let kills = 0; kills < 4; kills++) {
      const child = spawn(process.execPath, [MAIN, 'devices', 'import', 'big.ndjson', '--app', 'killed'], {
        cwd: folder,
        env: environment(),
        stdio: 'ignore',
      });
      const ended = new Promise((done) => child.once('exit', done));
      const placeOf = (): number => {
        const kept = join(folder, 'big.ndjson.progress');
        return existsSync(kept) ? (JSON.parse(readFileSync(kept, 'utf8')) as { lines: number }).lines : 0;
      };
      const before = placeOf();
      await expect.poll(placeOf, { timeout: 60_000, interval: 5 }).toBeGreaterThan(before);
      if (kills === 1) {
        await carillon.kill();
        carillon = await startCarillon(settings);
      }
      child.kill('SIGKILL');
      await ended;
    }
    const { status, stdout, stderr } = run('carillon devices import big.ndjson --app killed --json');
    expect(stderr).toMatch(/^goes on after line \d+$/m);
    expect(status).toBe(3);
    expect(JSON.parse(stdout)).toMatchObject({ lines: lines.length, rejected: 60 });
    expect(readFileSync(join(folder, 'big.ndjson.rejected'), 'utf8')).toBe(
      lines
        .filter((text) => text.startsWith('no'))
        .map((text) => `${text}\n`)
        .join(''),
    );
    const reasons = readFileSync(join(folder, 'big.ndjson.rejected.reasons'), 'utf8').trimEnd().split('\n');
    expect(reasons.map((text) => (JSON.parse(text) as { line: number }).line)).toEqual(
      Array.from({ length: 60 }, (_, n) => n * 1_000 + 8),
    );
    expect(new Set(devicesOf('killed'))).toEqual(
      new Set(
        lines.filter((text) => text.startsWith('{')).map((text) => (JSON.parse(text) as { deviceId: string }).deviceId),
      ),
    );
    expect(existsSync(join(folder, 'big.ndjson.progress'))).toBe(false);
  });

  it('on a full disk ends with its reason, and goes on with space: no rejected line lost or twice', async () => {
    await addApp('full');
    const bad = Array.from({ length: 200 }, (_, n) => `no JSON ${n}`);
    const good = Array.from({ length: 20_000 }, (_, n) => line(`device-${n}`));
    write('full.ndjson', [...good, ...bad].join('\n'));
    // The kernel answers EFBIG to a write behind the first blocks of a file, as ENOSPC on a full disk.
    for (const blocks of [0, 2]) {
      const { status, stderr } = run(
        `trap '' XFSZ; ulimit -f ${blocks}; carillon devices import full.ndjson --app full`,
      );
      expect(status).toBe(1);
      expect(stderr).toMatch(/^carillon: EFBIG: file too large, write$/m);
      expect(stderr).not.toContain('    at ');
    }
    expect(run('carillon devices import full.ndjson --app full')).toMatchObject({
      status: 3,
      stderr: expect.stringMatching(/^goes on after line \d+$/m) as string,
    });
    expect(readFileSync(join(folder, 'full.ndjson.rejected'), 'utf8')).toBe(bad.join('\n'));
    expect(devicesOf('full')).toHaveLength(good.length);
  });

  it('begins anew for another application, a changed file, and an application that was made anew', async () => {
    await addApp('first');
    await addApp('second');
    const lines = Array.from({ length: 30_000 }, (_, n) => line(`d-${n}`));
    write('resumed.ndjson', `${lines.join('\n')}\n`);
    const interrupt = async (): Promise<void> => {
      const child = spawn(process.execPath, [MAIN, 'devices', 'import', 'resumed.ndjson', '--app', 'first'], {
        cwd: folder,
        env: environment(),
        stdio: 'ignore',
      });
      const ended = new Promise((done) => child.once('exit', done));
      await expect
        .poll(() => existsSync(join(folder, 'resumed.ndjson.progress')), { timeout: 60_000, interval: 5 })
        .toBe(true);
      child.kill('SIGKILL');
      await ended;
    };
    await interrupt();
    expect(run('carillon devices import resumed.ndjson --app second').stderr).toMatch(/another one: from the start/);
    expect(devicesOf('second')).toHaveLength(lines.length);
    await interrupt();
    write('resumed.ndjson', `${line('new')}\n${lines.join('\n')}\n`);
    expect(run('carillon devices import resumed.ndjson --app first').stderr).toMatch(/another one: from the start/);
    expect(devicesOf('first')).toHaveLength(lines.length + 1);
    await interrupt();
    await api.call('DELETE', '/apps/first?devices=delete');
    // The rows of a removed application go in the next round of each minute.
    await expect
      .poll(async () => (await api.call('POST', '/apps', { applicationId: 'first', enabled: 'true' })).status, {
        timeout: 120_000,
      })
      .toBe(201);
    expect(run('carillon devices import resumed.ndjson --app first').stderr).toMatch(/another one: from the start/);
    expect(devicesOf('first')).toHaveLength(lines.length + 1);
  }, 300_000);

  it('takes files of Windows, and names UTF-16', async () => {
    await addApp('windows');
    const three = ['w1', 'w2', 'w3'].map(line);
    write('crlf.ndjson', `\ufeff${three.join('\r\n')}\r\n`);
    write('utf16.ndjson', Buffer.from(`\ufeff${three.join('\r\n')}`, 'utf16le'));
    write('empty.ndjson', '');
    expect(run('carillon devices import crlf.ndjson --app windows')).toMatchObject({
      status: 0,
      stderr: expect.stringContaining('0 rejected') as string,
    });
    expect(devicesOf('windows')).toEqual(['w1', 'w2', 'w3']);
    expect(run('carillon devices import utf16.ndjson --app windows')).toMatchObject({
      status: 2,
      stdout: '',
      stderr: 'carillon: The file is UTF-16 or no text: save it as UTF-8\n',
    });
    write('bad.ndjson', `no JSON é\r\n${three[0]}\r\n\ufeffno JSON`);
    expect(run('carillon devices import bad.ndjson --app windows').status).toBe(3);
    expect(readFileSync(join(folder, 'bad.ndjson.rejected'), 'utf8')).toBe('no JSON é\r\n\ufeffno JSON');
    expect(run('carillon devices import empty.ndjson --app windows').status).toBe(0);
    const piped = run(`head -c -2 crlf.ndjson | sed s/w/v/g | carillon devices import - --app windows --json`);
    expect([piped.status, JSON.parse(piped.stdout)]).toMatchObject([0, { created: 3 }]);
    expect(run('carillon devices export --app windows | carillon devices import - --app windows').status).toBe(0);
    expect(run('carillon devices import none.ndjson --app windows').status).toBe(1);
  });
});

it('bash completes commands and options, and leaves a value with a colon alone', () => {
  const complete = (...words: string[]): string =>
    run(`eval "$(carillon completion bash)"
      COMP_WORDS=(carillon ${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length}
      _carillon; echo "\${COMPREPLY[*]}"`).stdout.trim();
  expect(complete('se')).toBe('send');
  expect(complete('mi')).toBe('migrate');
  expect(complete('send', '--dr')).toBe('--dry-run');
  expect(complete('devices', 'im')).toBe('import');
  expect(complete('devices', 'import', '')).toBe('');
  expect(complete('migrate', '-')).toBe('--plan');
  expect(complete('audit', '')).toBe('verify checkpoint');
  expect(complete('why', 'device', ':', 'a')).toBe('');
});

it.skipIf(findBinary('zsh') === null)('zsh completes commands, options and files as they are typed', () => {
  const keys = [
    `autoload -U compinit; compinit -u -D; source =("${process.execPath}" "${MAIN}" completion zsh)`,
    'carillon() { print "<$*>" }',
    'carillon mess\t',
    'carillon send --dr\t',
    'carillon why device a:b:c\t',
    'carillon devices exp\t',
    'carillon audit verify --ch\t',
    'carillon devices import login-of-z\t',
    'exit\n',
  ];
  writeFileSync(join(folder, 'login-of-zsh'), '');
  const { stdout } = onTerminal('zsh -f -i', { TERM: 'dumb' }, keys.join('\n'));
  const typed = [...stdout.matchAll(/^<(.*)>\r$/gm)].map(([, words]) => words);
  expect(typed).toEqual([
    'messages',
    'send --dry-run',
    'why device a:b:c',
    'devices export',
    'audit verify --checkpoint',
    'devices import login-of-zsh',
  ]);
});

it.skipIf(findBinary('fish') === null)('fish completes commands, options and files', () => {
  const complete = (...lines: string[]): string[] => {
    const asked = lines.map((line) => `complete -C '${line}'`).join('; ');
    const { stdout } = run(`carillon completion fish > c.fish; fish -c "source c.fish; ${asked}"`);
    return stdout.trimEnd().split('\n');
  };
  writeFileSync(join(folder, 'send-list'), '');
  expect(complete('carillon sen')).toEqual(['send\tsend a message']);
  expect(complete('carillon send --dr')).toEqual(['--dry-run\tprint the plan, and send nothing']);
  expect(complete('carillon why device a:b:c')).toEqual(['']);
  expect(complete('carillon devices exp')).toEqual(['export']);
  expect(complete('carillon migrate --')).toContain(
    '--plan\tcreate or update the tables; --plan lists the missing steps and their locks, and changes nothing',
  );
  expect(complete('carillon devices import send-l')).toEqual(['send-list']);
  expect(complete('carillon send --file send-l')).toEqual(['send-list']);
});
