import { request } from 'node:http';
import type { IncomingMessage } from 'node:http';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runProgram } from '../harness/program.js';
import { freePort } from '../harness/servers.js';
import { isMissing, startApache, startNginx } from '../medium/http2/real-peers.js';
import type { RealPeer } from '../medium/http2/real-peers.js';
import { SERVERS } from './stages.js';

/** Behind proxies as distributed, configured as in docs/operations.md. */

const NDJSON = { 'content-type': 'application/x-ndjson' };
/** Thirty pages of an export. */
const DEVICES = 30_000;
/** An id with special characters: in a path it is `urn:a%2Fb%20c`. */
const ODD = 'urn:a/b c';

describe.runIf(SERVERS && !isMissing('nginx') && !isMissing('apache2'))('behind a proxy', () => {
  let databaseUrl = '';
  const program = runProgram({
    prepare: async () => {
      const prepared = await SERVERS!.prepare();
      databaseUrl = prepared.environment.DATABASE_URL!;
      return prepared;
    },
  });
  const peers: RealPeer[] = [];
  let nginx: number;
  let prefixed: number;
  let apache: number;

  beforeAll(async () => {
    [nginx, prefixed, apache] = [await freePort(), await freePort(), await freePort()];
    const { host } = new URL(program.carillon.url);
    peers.push(
      await startNginx(
        '',
        `gzip on;
         server { listen 127.0.0.1:${nginx}; location / { proxy_pass http://${host}; } }
         map $request_uri $below_push { ~^/push(/.*)$ $1; }
         server { listen 127.0.0.1:${prefixed}; client_max_body_size 0;
           location /cut/ { proxy_pass http://${host}/; }
           location /push/ { proxy_pass http://${host}$below_push; proxy_http_version 1.1; proxy_request_buffering off; } }`,
      ),
    );
    const modules = '/usr/lib/apache2/modules';
    const loads = ['proxy', 'proxy_http'].map((name) => `LoadModule ${name}_module ${modules}/mod_${name}.so`);
    peers.push(
      await startApache(`${loads.join('\n')}
        Listen 127.0.0.1:${apache}
        <VirtualHost 127.0.0.1:${apache}>
          SSLEngine off
          AllowEncodedSlashes NoDecode
          ProxyPass /push/ http://${host}/ nocanon ttl=600
        </VirtualHost>`),
    );
    const lines = Array.from({ length: DEVICES }, (_each, n) =>
      JSON.stringify({ deviceId: `d${n}`, platform: 'G', token: `sandbox:accepted:${n}` }),
    );
    const imported = await program.api.raw('POST', '/devices:import', lines.join('\n'), NDJSON);
    if (!imported.ok) throw new Error(`import: ${imported.status}`);
    await program.api.registerDevices([{ deviceId: ODD, platform: 'G', token: 'sandbox:accepted:odd' }]);
  });
  afterAll(() => Promise.all(peers.map((peer) => peer.stop())));

  const through = (port: number, path: string, headers: Record<string, string> = {}): Promise<IncomingMessage> =>
    new Promise((resolve, reject) => {
      const { authorization, applicationId } = program.api;
      const whole = path.replace('APP', `/imfpush/v1/apps/${applicationId}`);
      request({ port, path: whole, headers: { authorization, ...headers } }, resolve)
        .on('error', reject)
        .end();
    });

  it('nginx with its defaults: an export whose database connections end has no trailer, and the log reports it', async () => {
    const client = new pg.Client({ connectionString: databaseUrl });
    await client.connect();
    const answer = await through(nginx, 'APP/devices:export');
    let text = '';
    answer.on('data', (piece: Buffer) => (text += piece.toString()));
    const ended = new Promise((resolve) => answer.once('close', resolve));
    // The next page waits for this lock, and its connection is ended meanwhile.
    await client.query('begin');
    await client.query('lock table device in access exclusive mode');
    const end = `select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and wait_event_type = 'Lock' and query like '%from device where%'`;
    await expect.poll(async () => (await client.query(end)).rowCount, { timeout: 30_000 }).toBeGreaterThan(0);
    await client.query('rollback');
    await client.end();
    await ended;
    // The proxy reports success.
    expect([answer.statusCode, answer.complete]).toEqual([200, true]);
    const lines = text.trimEnd().split('\n');
    expect(lines.length).toBeLessThan(DEVICES);
    expect(lines.at(-1)).not.toContain('trailer');
    await expect
      .poll(() => program.carillon.output())
      .toMatch(/WARN.*export of devices of com\.example\.app broke off after \d+ lines/);
  });

  it('nginx with its defaults: a whole export has its trailer', async () => {
    const answer = await through(nginx, 'APP/devices:export');
    let text = '';
    for await (const piece of answer) text += String(piece);
    const lines = text.trimEnd().split('\n');
    expect(JSON.parse(lines.pop()!)).toEqual({ trailer: { count: lines.length } });
  });

  it('nginx with its defaults: lines of the feed come one by one, and a waiting read ends with its cursor', async () => {
    await program.api.app('PUT', '/events/feed', { eventTypes: 'device.*' });
    const poll = async (query: string): Promise<{ events: unknown[]; cursor: string }> => {
      let text = '';
      for await (const piece of await through(nginx, `APP/events?${query}`)) text += String(piece);
      return JSON.parse(text) as never;
    };
    const { cursor } = await poll('after=latest&wait=0');
    expect(await poll(`after=${cursor}&wait=2`)).toEqual({ events: [], cursor });

    const headers = { accept: 'application/x-ndjson', 'accept-encoding': 'gzip' };
    const answer = await through(nginx, `APP/events?after=${cursor}`, headers);
    expect(answer.headers['content-encoding']).toBeUndefined();
    let text = '';
    answer.on('data', (piece: Buffer) => (text += piece.toString()));
    const told = (): unknown[] =>
      text
        .split('\n')
        .slice(0, -1)
        .flatMap((line) => (JSON.parse(line) as { event?: { data: { deviceId: string } } }).event?.data.deviceId ?? []);
    for (let n = 1; n <= 3; n++) {
      await program.api.registerDevices([{ deviceId: `fed-${n}`, platform: 'G', token: `sandbox:accepted:fed-${n}` }]);
      await expect.poll(() => told().at(-1), { timeout: 1_000 }).toBe(`fed-${n}`);
    }
    answer.destroy();
  });

  it('ids with a slash arrive through an nginx path that is passed on unchanged, and not through a decoded one', async () => {
    const path = `APP/devices/${encodeURIComponent(ODD)}`;
    expect((await through(nginx, path)).statusCode).toBe(200);
    expect((await through(prefixed, `/push${path}`)).statusCode).toBe(200);
    expect((await through(prefixed, `/cut${path}`)).statusCode).toBe(404);
  });

  it('ids with a slash arrive through a path of Apache with AllowEncodedSlashes NoDecode and nocanon', async () => {
    expect((await through(apache, `/pushAPP/devices/${encodeURIComponent(ODD)}`)).statusCode).toBe(200);
  });

  it('a body over 1 MB is 413 at nginx’s default, and passes with client_max_body_size', async () => {
    const lines = Array.from({ length: 20_000 }, (_each, n) =>
      JSON.stringify({ deviceId: `d${n}`, platform: 'G', token: `sandbox:accepted:${n}` }),
    ).join('\n');
    expect(lines.length).toBeGreaterThan(1_048_576);
    const post = (url: string): Promise<Response> =>
      fetch(`${url}/imfpush/v1/apps/${program.api.applicationId}/devices:import`, {
        method: 'POST',
        headers: { authorization: program.api.authorization, ...NDJSON },
        body: lines,
      });
    const refused = await post(`http://127.0.0.1:${nginx}`);
    expect([refused.status, refused.headers.get('content-type')]).toEqual([413, 'text/html']);
    const taken = await post(`http://127.0.0.1:${prefixed}/push`);
    expect(taken.status).toBe(200);
    await taken.text();
  });
});
