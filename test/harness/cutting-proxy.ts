import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';

/** A proxy to a server that ends each connection in the middle of an answer. */
export interface CuttingProxy {
  url: string;
  /** Connections that were cut. */
  cuts: () => number;
  stop: () => void;
}

/** `bytesOf`: how many bytes of the server pass in the next connection. */
export async function startCuttingProxy(serverUrl: string, bytesOf: () => number): Promise<CuttingProxy> {
  const { hostname, port } = new URL(serverUrl);
  let cuts = 0;
  const server = createServer((from: Socket) => {
    const to = connect(Number(port), hostname);
    let left = bytesOf();
    from.pipe(to);
    to.on('data', (piece: Buffer) => {
      from.write(piece.subarray(0, left));
      left -= piece.length;
      if (left >= 0) return;
      cuts++;
      from.end();
      to.destroy();
    });
    for (const [one, other] of [
      [from, to],
      [to, from],
    ] as const)
      one.on('error', () => other.destroy()).on('close', () => other.end());
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    cuts: () => cuts,
    stop: () => void server.close(),
  };
}
