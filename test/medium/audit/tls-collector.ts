import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:tls';
import type { Server, TLSSocket } from 'node:tls';
import { createTestCertificates } from '../../simulators/test-certificates.js';

/** A syslog receiver over TLS that reads frames by their length, and can go away or stand still. */
export class TlsCollector {
  readonly frames: string[] = [];
  /** True: connections are taken, and nothing is read from them. */
  isStill = false;
  port = 0;
  private server: Server | null = null;
  private readonly sockets = new Set<TLSSocket>();

  private constructor(
    private readonly identity: { key: string; cert: string },
    readonly ca: string,
  ) {}

  static async open(): Promise<TlsCollector> {
    const folder = mkdtempSync(join(tmpdir(), 'carillon-collector-'));
    const { key, cert, caPath } = await createTestCertificates(folder);
    const collector = new TlsCollector({ key, cert }, readFileSync(caPath, 'utf8'));
    rmSync(folder, { recursive: true });
    await collector.listen();
    return collector;
  }

  listen(): Promise<void> {
    this.server = createServer(this.identity, (socket) => this.read(socket));
    return new Promise((resolve) => {
      this.server!.listen(this.port, '127.0.0.1', () => {
        this.port = (this.server!.address() as AddressInfo).port;
        resolve();
      });
    });
  }

  goAway(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    return new Promise((resolve) => this.server!.close(() => resolve()));
  }

  private read(socket: TLSSocket): void {
    this.sockets.add(socket);
    socket.on('close', () => this.sockets.delete(socket));
    socket.on('error', () => undefined);
    if (this.isStill) return void socket.pause();
    const pieces: Buffer[] = [];
    socket.on('data', (piece: Buffer) => pieces.push(piece));
    socket.on('end', () => {
      let rest = Buffer.concat(pieces);
      while (rest.length > 0) {
        const blank = rest.indexOf(' ');
        const end = blank + 1 + Number(rest.subarray(0, blank).toString());
        this.frames.push(rest.subarray(blank + 1, end).toString('utf8'));
        rest = rest.subarray(end);
      }
    });
  }
}
