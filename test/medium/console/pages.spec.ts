import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { APP_FILTER, NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ErrorFilter } from '../../../src/common/error.filter.js';
import { ConsoleFiles } from '../../../src/console/console-files.js';
import { PagesController } from '../../../src/console/pages.controller.js';
import { sendHeaders } from '../../../src/http/headers.js';
import { newAdapter } from '../../../src/http-server.js';

/** The console's files over HTTP, from a folder as the build leaves it. */

const HTTP = { maxConnections: 100, headersTimeoutMs: 5_000, keepAliveTimeoutMs: 5_000 };
const PAGE = '<!doctype html><meta name="csp-nonce" content="__CSP_NONCE__"><script src="/console/assets/a-1.js">';
const BROWSER = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' };

const folders: string[] = [];
const apps: NestFastifyApplication[] = [];

async function serve(files: Record<string, string>): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'carillon-console-'));
  folders.push(folder);
  mkdirSync(join(folder, 'assets'));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  @Module({
    controllers: [PagesController],
    providers: [
      { provide: ConsoleFiles, useValue: new ConsoleFiles(`${folder}/`) },
      { provide: APP_FILTER, useClass: ErrorFilter },
    ],
  })
  class Pages {}
  const adapter = newAdapter({ trustedProxies: [], http: HTTP as never });
  const app = await NestFactory.create<NestFastifyApplication>(Pages, adapter, { logger: false, bodyParser: false });
  apps.push(app);
  await sendHeaders(app);
  await app.listen(0, '127.0.0.1');
  return app.getUrl();
}

afterAll(async () => {
  for (const app of apps) await app.close();
  for (const folder of folders) rmSync(folder, { recursive: true });
});

describe('a built console', () => {
  let url: string;
  const get = (path: string, headers: Record<string, string> = BROWSER) =>
    fetch(`${url}${path}`, { headers, redirect: 'manual' });

  beforeAll(async () => {
    url = await serve({
      'index.html': PAGE,
      'theme.js': 'theme()',
      'assets/a-1.js': 'script()',
      'assets/a-1.js.map': '{}',
    });
  });

  it('a browser that asks for the root goes to the console, a script does not', async () => {
    const answer = await get('/');
    expect([answer.status, answer.headers.get('location')]).toEqual([302, '/console/']);
    expect((await get('/', { accept: '*/*' })).status).toBe(404);
    expect((await get('/console')).headers.get('location')).toBe('/console/');
  });

  it.each(['/console/', '/console/?a=1', '/console/messages/7', '/console/apps/com.example.app/devices/a%2Fb?x=1'])(
    '%s is the page, never kept, with a nonce of its own',
    async (path) => {
      const nonces: string[] = [];
      for (let n = 0; n < 2; n++) {
        const answer = await get(path, {
          ...BROWSER,
          'if-none-match': '"a"',
          'if-modified-since': new Date().toUTCString(),
        });
        expect(answer.status).toBe(200);
        expect(answer.headers.get('cache-control')).toBe('no-store');
        expect(answer.headers.get('etag')).toBeNull();
        const policy = answer.headers.get('content-security-policy') ?? '';
        const nonce = /'nonce-([^']+)'/.exec(policy)?.[1] ?? '';
        expect(policy).toContain("script-src 'self';");
        expect(await answer.text()).toBe(PAGE.replace('__CSP_NONCE__', nonce));
        nonces.push(nonce);
      }
      expect(nonces[0]).not.toBe(nonces[1]);
    },
  );

  it('files with a hash in their names are kept for ever, other files are asked for again', async () => {
    const asset = await get('/console/assets/a-1.js');
    expect(await asset.text()).toBe('script()');
    expect(asset.headers.get('content-type')).toBe('text/javascript; charset=utf-8');
    expect(asset.headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
    expect(asset.headers.get('x-content-type-options')).toBe('nosniff');
    expect((await get('/console/theme.js')).headers.get('cache-control')).toBe('no-cache');
    expect(
      (await get('/console/assets/a-1.js', { 'accept-encoding': 'identity' })).headers.get('content-encoding'),
    ).toBeNull();
    expect((await get('/console/assets/a-1.js', { 'accept-encoding': 'gzip' })).headers.get('content-encoding')).toBe(
      'gzip',
    );
  });

  it.each([
    '/console/assets/a-2.js',
    '/console/assets/a-1.js.map',
    '/console/assets/../../package.json',
    '/console/assets/..%2f..%2fpackage.json',
    '/console/api/none',
    '/console/download/x',
  ])('%s is no page', async (path) => {
    const answer = await get(path);
    expect(answer.status).toBe(404);
    expect(await answer.json()).toMatchObject({ code: 'FPWSE0001E' });
  });

  it('a script that asks for an unknown path gets no page', async () => {
    expect((await get('/console/messages', { accept: 'application/json' })).status).toBe(404);
  });

  it('other answers keep the policy of data', async () => {
    expect((await get('/console/api/none')).headers.get('content-security-policy')).toContain("default-src 'none'");
  });
});

it('a console that is not built says so, and how to build it', async () => {
  const answer = await fetch(`${await serve({})}/console/messages`, { headers: BROWSER });
  expect(answer.status).toBe(503);
  expect(answer.headers.get('content-type')).toContain('text/html');
  expect(await answer.text()).toContain('npm run build');
});
