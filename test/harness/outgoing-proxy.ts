import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';

/** The act of a proxy in place of opening a connection. */
export type ProxyFault = 'silent' | 'cut' | number;

/** A proxy for outgoing connections. Every name leads to this machine, so that only the proxy can have resolved it. */
export interface OutgoingProxy {
  port: number;
  /** Hosts and ports that were asked for. */
  asked: string[];
  /** `silent`: no answer; `cut`: an answer of success, and the end; a number: that answer. */
  fault: ProxyFault | undefined;
  /** Ends every open tunnel. */
  cutTunnels(): void;
  stop(): Promise<void>;
}

const USER = 'push';
/** With the characters that a URL encodes. */
export const PASSWORD = 'p@ss:w/rd%';
export const CREDENTIALS = `${USER}:${encodeURIComponent(PASSWORD)}`;

/** HTTP CONNECT with Basic authentication. */
export async function startConnectProxy(): Promise<OutgoingProxy> {
  const wanted = `Basic ${Buffer.from(`${USER}:${PASSWORD}`).toString('base64')}`;
  const server = createHttpServer((_request, response) => response.writeHead(405).end());
  const proxy = track(server);
  server.on('connect', ({ url = '', headers }, client: Duplex) => {
    const refuse = (status: number): void => void client.end(`HTTP/1.1 ${status} Refused\r\ncontent-length: 0\r\n\r\n`);
    if (headers['proxy-authorization'] !== wanted) return refuse(407);
    proxy.asked.push(url);
    if (proxy.fault === 'silent') return;
    if (typeof proxy.fault === 'number') return refuse(proxy.fault);
    const ready = (): void => void client.write('HTTP/1.1 200 Connection established\r\n\r\n');
    if (proxy.fault === 'cut') return (ready(), void client.end());
    join(proxy, client, Number(url.slice(url.lastIndexOf(':') + 1)), ready);
  });
  return listening(server, proxy);
}

/** SOCKS5 (RFC 1928) with user and password (RFC 1929). */
export async function startSocksProxy(): Promise<OutgoingProxy> {
  const server = createServer();
  const proxy = track(server);
  server.on('connection', (client) => {
    const take = reader(client);
    const serve = async (): Promise<void> => {
      const [, methods = 0] = await take(2);
      const offered = await take(methods);
      if (!offered.includes(2)) return void client.end(Buffer.from([5, 255]));
      client.write(Buffer.from([5, 2]));
      const user = (await take((await take(2))[1]!)).toString();
      const password = (await take((await take(1))[0]!)).toString();
      const isKnown = user === USER && password === PASSWORD;
      client.write(Buffer.from([1, isKnown ? 0 : 1]));
      if (!isKnown) return void client.end();
      const [, , , kind] = await take(4);
      const host = kind === 3 ? (await take((await take(1))[0]!)).toString() : [...(await take(4))].join('.');
      const port = (await take(2)).readUInt16BE();
      proxy.asked.push(`${host}:${port}`);
      if (proxy.fault === 'silent') return;
      const answer = (code: number): void => void client.write(Buffer.from([5, code, 0, 1, 0, 0, 0, 0, 0, 0]));
      if (typeof proxy.fault === 'number') return (answer(2), void client.end());
      if (proxy.fault === 'cut') return (answer(0), void client.end());
      client.removeAllListeners('readable');
      join(proxy, client, port, () => answer(0));
    };
    void serve();
  });
  return listening(server, proxy);
}

interface Tracked extends OutgoingProxy {
  tunnels: Set<Duplex>;
}

function track(server: Server): Tracked {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
  });
  const tunnels = new Set<Duplex>();
  return {
    port: 0,
    asked: [],
    fault: undefined,
    tunnels,
    cutTunnels: () => {
      for (const tunnel of tunnels) tunnel.destroy();
    },
    stop: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

async function listening(server: Server, proxy: Tracked): Promise<OutgoingProxy> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  proxy.port = (server.address() as AddressInfo).port;
  return proxy;
}

function join(proxy: Tracked, client: Duplex, port: number, ready: () => void): void {
  const target = connect(port, '127.0.0.1', () => {
    ready();
    client.pipe(target).pipe(client);
  });
  proxy.tunnels.add(client);
  target.on('error', () => client.destroy()).on('close', () => client.destroy());
  client
    .on('error', () => target.destroy())
    .on('close', () => {
      proxy.tunnels.delete(client);
      target.destroy();
    });
}

/** Reads exactly so many bytes. */
function reader(socket: Socket): (count: number) => Promise<Buffer> {
  return async (count) => {
    if (count === 0) return Buffer.alloc(0);
    for (;;) {
      const bytes = socket.read(count) as Buffer | null;
      if (bytes !== null) return bytes;
      await once(socket, 'readable');
    }
  };
}
