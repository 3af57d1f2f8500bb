import { closeSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { startNginx } from '../../test/medium/http2/real-peers.js';
import type { RealPeer } from '../../test/medium/http2/real-peers.js';

/** Devices have tokens with this prefix and their number: the log then names the device. */
const TOKEN_PREFIX = 'bead';
const HEX = 16;
const CHUNK = 2 ** 20;
const FIRST_DIGITS = 3;

interface SinkOptions {
  also?: (lines: string) => string;
  firstOnly?: boolean;
}

export function tokenOf(device: number): string {
  return TOKEN_PREFIX + device.toString(HEX).padStart(64 - TOKEN_PREFIX.length, '0');
}

/** An arrival at the provider: the device's number, and nginx's time of the answer in epoch ms. */
export type Arrival = readonly [device: number, at: number];

/** APNs as one nginx that accepts everything and logs the time of each request. */
export class Sink {
  private offset = 0;
  private rest = '';

  private constructor(
    readonly peer: RealPeer,
    private readonly log: number,
  ) {}

  /** `also`: further server blocks with the same lines. `firstOnly`: logs only the first 4,096 devices. */
  static async start({ also = () => '', firstOnly = false }: SinkOptions = {}): Promise<Sink> {
    const logged = firstOnly ? `/3/device/${tokenOf(0).slice(0, -FIRST_DIGITS)}` : '/3/';
    const lines = `keepalive_requests 1000000000; keepalive_time 24h; http2_max_concurrent_streams 1000;
      add_header apns-id $http_apns_id;
      location ${logged} { access_log arrivals.log arrival; return 200; }
      location / { return 200; }`;
    const peer = await startNginx(lines, `log_format arrival '$msec $uri'; ${also(lines)}`);
    return new Sink(peer, openSync(join(peer.folder, 'arrivals.log'), 'a+'));
  }

  /** The arrivals since the last call. */
  read(): Arrival[] {
    const buffer = Buffer.alloc(CHUNK);
    let text = this.rest;
    for (let length = -1; length !== 0;) {
      length = readSync(this.log, buffer, 0, CHUNK, this.offset);
      this.offset += length;
      text += buffer.toString('latin1', 0, length);
    }
    const lines = text.split('\n');
    this.rest = lines.pop() ?? '';
    return lines.map((line) => {
      const [seconds = '', path = ''] = line.split(' ');
      return [parseInt(path.slice(-8), HEX), Number(seconds) * 1_000];
    });
  }

  async stop(): Promise<void> {
    closeSync(this.log);
    await this.peer.stop();
  }
}
