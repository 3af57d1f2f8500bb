import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';

/** A proxy to a server that can go silent like a lost host: it forwards nothing more, and closes nothing. */
export interface SilentProxy {
  port: number;
  /** The address with this proxy in place of the server. */
  through(url: string): string;
  /** From now on nothing passes, in existing and in new connections. */
  silence(): void;
  /** New connections reach the server; existing ones stay silent. */
  heal(): void;
  /** New connections reach this server; existing ones stay with theirs, as behind a virtual address. */
  lead(url: string): void;
  /** Connections opened since the last silence. */
  connections(): number;
  stop(): Promise<void>;
}

export async function startSilentProxy(
  serverUrl: string,
  at: { host: string; port: number } = { host: '127.0.0.1', port: 0 },
): Promise<SilentProxy> {
  let { hostname, port } = new URL(serverUrl);
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
    lead: (url) => void ({ hostname, port } = new URL(url)),
    connections: () => made,
    stop: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
