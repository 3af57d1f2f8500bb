import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';

/** A way to a server that can go silent as a lost host does: nothing is forwarded any more, and nothing is closed. */
export interface SilentProxy {
  port: number;
  /** The address with this proxy in place of the server. */
  through(url: string): string;
  /** From now on nothing passes, in connections that are there and in those that come. */
  silence(): void;
  /** New connections reach the server; those that were there stay silent. */
  heal(): void;
  /** Connections made since the last silence. */
  connections(): number;
  stop(): Promise<void>;
}

export async function startSilentProxy(
  serverUrl: string,
  at: { host: string; port: number } = { host: '127.0.0.1', port: 0 },
): Promise<SilentProxy> {
  const { hostname, port } = new URL(serverUrl);
  const sockets = new Set<Socket>();
  let silent = false;
  let made = 0;
  const server = createServer((from) => {
    made++;
    keep(from);
    if (silent) return void from.pause();
    const to = keep(connect(Number(port), hostname));
    from.pipe(to);
    to.pipe(from);
    from.on('close', () => to.destroy());
    to.on('close', () => from.destroy());
  });
  function keep(socket: Socket): Socket {
    sockets.add(socket);
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
    return socket;
  }
  server.listen(at);
  await once(server, 'listening');
  const own = (server.address() as AddressInfo).port;
  return {
    port: own,
    through: (url) => {
      const address = new URL(url);
      address.port = String(own);
      return address.href;
    },
    silence: () => {
      silent = true;
      made = 0;
      for (const socket of sockets) socket.unpipe().pause();
    },
    heal: () => void (silent = false),
    connections: () => made,
    stop: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
