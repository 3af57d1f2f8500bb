import * as http from 'node:http';
import type { AddressInfo } from 'node:net';
import { ADMIN_ROUTES, type AdminRequest } from './admin-routes.js';
import { BadInput } from './shared/shape.js';
import type { Simulators } from './simulators.js';

/** 16 MB holds every token of a test with 200,000 devices. */
const MAX_BODY_BYTES = 16 * 1024 * 1024;

/** The admin API: plain HTTP, JSON in and out, on loopback only. */
export class AdminServer {
  private readonly server = http.createServer((request, response) => {
    void this.serve(request, response);
  });

  constructor(private readonly simulators: Simulators) {
    // Longer than a busy test blocks its event loop: after Node's default of 5 s its client could write into a closed
    // connection.
    this.server.keepAliveTimeout = 120_000;
  }

  async listen(port: number): Promise<string> {
    await new Promise<void>((resolve, reject) => {
      this.server.once('error', reject);
      this.server.listen(port, '127.0.0.1', resolve);
    });
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  close(): void {
    this.server.close();
    this.server.closeAllConnections();
  }

  private async serve(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    try {
      const url = new URL(request.url ?? '/', 'http://admin');
      const route = ADMIN_ROUTES[`${request.method} ${url.pathname}`];
      if (!route) {
        const known = Object.keys(ADMIN_ROUTES);
        return send(response, 404, { error: `no ${request.method} ${url.pathname}`, known });
      }
      const input: AdminRequest = { query: url.searchParams, body: await readJson(request) };
      const result = await route(this.simulators, input);
      if (isLines(result)) await sendLines(response, result);
      else send(response, 200, result ?? { ok: true });
    } catch (error) {
      if (error instanceof BadInput) return send(response, 400, { error: error.message });
      send(response, 500, { error: error instanceof Error ? error.stack : String(error) });
    }
  }
}

async function readJson(request: http.IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > MAX_BODY_BYTES) throw new BadInput(`the body is larger than ${MAX_BODY_BYTES} bytes`);
    chunks.push(chunk);
  }
  if (length === 0) return undefined;
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8')) as unknown;
  } catch {
    throw new BadInput('the body is no JSON');
  }
}

function send(response: http.ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(`${JSON.stringify(body)}\n`);
}

function isLines(result: unknown): result is Iterable<unknown> {
  return typeof result === 'object' && result !== null && Symbol.iterator in result && !Array.isArray(result);
}

/** NDJSON, written in pieces so that a million lines are never in memory at once. */
async function sendLines(response: http.ServerResponse, lines: Iterable<unknown>): Promise<void> {
  response.writeHead(200, { 'content-type': 'application/x-ndjson' });
  let piece = '';
  for (const line of lines) {
    piece += `${JSON.stringify(line)}\n`;
    if (piece.length < 64 * 1024) continue;
    if (!response.write(piece)) await new Promise((resolve) => response.once('drain', resolve));
    piece = '';
  }
  response.end(piece);
}
