import { brotliCompressSync, gzipSync } from 'node:zlib';
import type { Attack } from './attack.js';
import { call, hammer, holdSockets, words } from './calls.js';
import { slowCertificate } from './slow-certificate.js';
import { ATTACKER_APP } from './stage.js';
import type { Stage } from './stage.js';

/** Bodies and connections of a caller that tries to stop the others. */

const MIB = 1_048_576;
const APP = `/imfpush/v1/apps/${ATTACKER_APP}`;

const manyKeys = (count: number, value = '1'): string =>
  `{${Array.from({ length: count }, (_, index) => `"k${index}":${value}`).join(',')}}`;

const HOSTILE: { name: string; path: string; body: string | Buffer; headers?: Record<string, string> }[] = [
  {
    name: '90,000 keys in one payload',
    path: `${APP}/messages`,
    body: `{"message":{"alert":"x"},"settings":{"apns":{"payload":${manyKeys(75_000)}}}}`,
  },
  {
    name: '90,000 unknown keys',
    path: `${APP}/messages`,
    body: manyKeys(90_000),
  },
  {
    name: 'bulk of 900 × 400 unknown keys',
    path: `${APP}/messages/bulk`,
    body: `[${Array.from({ length: 900 }, () => `{"message":{"alert":"x"},"x":${manyKeys(400)}}`).join(',')}]`,
  },
  {
    name: 'import lines of 868 KB',
    path: `${APP}/devices:import`,
    body: `{"deviceId":"d","platform":"A","token":"sandbox:a","attributes":${manyKeys(70_000)}}\n`.repeat(3),
    headers: { 'content-type': 'application/x-ndjson' },
  },
  {
    name: 'a list of empty objects',
    path: `${APP}/messages/bulk`,
    body: `[${'{},'.repeat(1_300_000)}{}]`,
  },
  { name: 'nested 500,000 deep', path: `${APP}/messages`, body: '['.repeat(500_000) },
  {
    name: 'a gzip bomb',
    path: `${APP}/messages`,
    body: gzipSync(Buffer.alloc(256 * MIB, ' ')),
    headers: { 'content-encoding': 'gzip' },
  },
  {
    name: 'a brotli bomb',
    path: `${APP}/devices:import`,
    body: brotliCompressSync(Buffer.alloc(64 * MIB, ' ')),
    headers: { 'content-encoding': 'br', 'content-type': 'application/x-ndjson' },
  },
];

/** Sends each body repeatedly on two connections; none may be accepted. */
const bodies: Attack[] = HOSTILE.map(({ name, path, body, headers }) => ({
  name,
  section: 'door',
  run: async (stage, signal) => {
    const authorization = await authorizationOf(stage);
    const next = () => ({
      method: 'POST',
      path,
      body,
      headers: { 'content-type': 'application/json', authorization, ...headers },
    });
    const statuses = await hammer(stage.api.url, next, { connections: 2, signal });
    return refuse(statuses, (status) => status >= 500 || status === 202);
  },
}));

const others: Attack[] = [
  {
    name: '400 sockets without a token hold 1 MB each',
    section: 'door',
    run: async (stage, signal) => {
      const head = `POST ${APP}/messages HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${MIB}\r\n\r\n`;
      await holdSockets(stage.api.url, `${head}{"x":"${'y'.repeat(900_000)}`, 400, signal);
      return [];
    },
  },
  {
    name: '400 sockets that say a header a byte at a time',
    section: 'door',
    run: async (stage, signal) => {
      await holdSockets(stage.api.url, `GET /health/live HTTP/1.1\r\nx-slow: `, 400, signal);
      return [];
    },
  },
  {
    name: '4 MB bodies without a token',
    section: 'door',
    run: async (stage, signal) => {
      const body = `[${'{},'.repeat(1_300_000)}{}]`;
      const headers = { 'content-type': 'application/json' };
      const next = () => ({ method: 'POST', path: `${APP}/messages/bulk`, body, headers });
      return refuse(await hammer(stage.api.url, next, { connections: 4, signal }), (status) => status >= 500);
    },
  },
  {
    name: 'forms of 100,000 parameters at the token endpoint',
    section: 'door',
    run: async (stage, signal) => {
      const body = `grant_type=client_credentials&scope=x${'&a=b'.repeat(100_000)}`;
      const headers = { 'content-type': 'application/x-www-form-urlencoded', authorization: 'Basic eDp5' };
      const next = () => ({ method: 'POST', path: '/mfp/api/az/v1/token', body, headers });
      return refuse(await hammer(stage.api.url, next, { connections: 2, signal }), (status) => status >= 500);
    },
  },
  {
    name: 'certificates (.p12) of 30 million iterations',
    section: 'door',
    run: async (stage, signal) => {
      const authorization = await authorizationOf(stage);
      const certificate = slowCertificate(30_000_000).toString('base64');
      const body = JSON.stringify({ certificate, password: 'x', isSandBox: true, bundleId: 'com.example.app' });
      const headers = { 'content-type': 'application/json', authorization };
      const next = () => ({ method: 'PUT', path: `${APP}/settings/apnsConf`, body, headers });
      return refuse(
        await hammer(stage.api.url, next, { connections: 2, signal }),
        (status) => status < 400 || status >= 500,
      );
    },
  },
  {
    name: 'bulks of 1,000 messages over 8 connections',
    section: 'door',
    run: async (stage, signal) => {
      const authorization = await authorizationOf(stage);
      const one = '{"message":{"alert":"x"},"target":{"deviceIds":["target"]}}';
      const body = `[${Array.from({ length: 1_000 }, () => one).join(',')}]`;
      const headers = { 'content-type': 'application/json', authorization };
      const next = () => ({ method: 'POST', path: `${APP}/messages/bulk`, body, headers });
      return refuse(
        await hammer(stage.api.url, next, { connections: 8, signal, pauseMs: 5 }),
        (status) => status >= 500,
      );
    },
  },
  {
    name: 'an endless import',
    section: 'door',
    run: async (stage, signal) => {
      const authorization = await authorizationOf(stage);
      const line = (number: number): string =>
        `{"deviceId":"i${number}","platform":"A","token":"sandbox:accepted:${number}"}\n`;
      const body = Array.from({ length: 20_000 }, (_, number) => line(number)).join('');
      const headers = { 'content-type': 'application/x-ndjson', authorization };
      while (!signal.aborted)
        await call(stage.api.url, { method: 'POST', path: `${APP}/devices:import`, body, headers });
      return [];
    },
  },
];

export const DOOR: readonly Attack[] = [...bodies, ...others];

async function authorizationOf(stage: Stage): Promise<string> {
  return (await stage.connect(ATTACKER_APP)).authorization;
}

function refuse(statuses: ReadonlyMap<number, number>, wrong: (status: number) => boolean): string[] {
  return [...statuses.keys()].some((status) => status > 0 && wrong(status)) ? [`answered ${words(statuses)}`] : [];
}
