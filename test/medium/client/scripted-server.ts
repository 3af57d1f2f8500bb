import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

/** A server whose answers, to the token endpoint and to everything else, the test gives. */

export interface Got {
  method: string;
  path: string;
  headers: IncomingMessage['headers'];
  body: string;
}

export type Handler = (response: ServerResponse, got: Got, count: number) => unknown;

export interface ScriptedServer {
  url: string;
  /** Requests besides those for tokens. */
  got: Got[];
  tokens: number;
  sockets: Set<Socket>;
  onToken: Handler;
  onCall: Handler;
  stop: () => Promise<void>;
}

export function json(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
}

export async function scriptedServer(): Promise<ScriptedServer> {
  const sockets = new Set<Socket>();
  const server = createServer((request, response) => {
    void (async () => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const { method = '', url: path = '', headers } = request;
      const got = { method, path, headers, body: Buffer.concat(chunks).toString() };
      if (path.endsWith('/token')) await scripted.onToken(response, got, ++scripted.tokens);
      else await scripted.onCall(response, got, scripted.got.push(got));
    })().catch(() => response.destroy());
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const scripted: ScriptedServer = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    got: [],
    tokens: 0,
    sockets,
    onToken: (response, _, count) => json(response, 200, { access_token: `token-${count}`, expires_in: 3_600 }),
    onCall: (response) => json(response, 200, { messageId: 'm1' }),
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return scripted;
}
