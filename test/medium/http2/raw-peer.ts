import { createServer, type AddressInfo, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { testCertificate, testKey } from './test-certificate.js';
import { until } from './until.js';

export const DATA = 0;
export const HEADERS = 1;
export const PRIORITY = 2;
export const RST_STREAM = 3;
export const SETTINGS = 4;
export const PUSH_PROMISE = 5;
export const PING = 6;
export const GOAWAY = 7;
export const WINDOW_UPDATE = 8;
export const CONTINUATION = 9;

export const END_STREAM = 1;
export const ACK = 1;
export const END_HEADERS = 4;
export const PADDED = 8;
export const PRIORITY_FLAG = 0x20;

const PREFACE_BYTES = 24;

export interface RawFrame {
  type: number;
  flags: number;
  id: number;
  payload: Buffer;
}

export function u32(...values: number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length);
  values.forEach((value, i) => bytes.writeUInt32BE(value, 4 * i));
  return bytes;
}

/** Pairs of identifier and value as a SETTINGS payload. */
export function settingsPayload(...pairs: [number, number][]): Buffer {
  const bytes = Buffer.alloc(6 * pairs.length);
  pairs.forEach(([identifier, value], i) => {
    bytes.writeUInt16BE(identifier, 6 * i);
    bytes.writeUInt32BE(value, 6 * i + 2);
  });
  return bytes;
}

export function frameBytes(type: number, flags: number, id: number, payload: Buffer = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(id, 5);
  return Buffer.concat([head, payload]);
}

/** One connection of a peer that does only what its script says. */
export class RawConnection {
  readonly frames: RawFrame[] = [];
  ended = false;
  closed = false;
  private bytes: Buffer = Buffer.alloc(0);
  private prefaceSeen = false;
  /** Called for each frame. */
  onFrame: (frame: RawFrame) => void = () => {};

  constructor(readonly socket: Socket) {
    socket.on('data', (chunk: Buffer) => this.read(chunk));
    socket.on('error', () => {});
    socket.on('end', () => (this.ended = true));
    socket.on('close', () => (this.closed = true));
  }

  send(type: number, flags: number, id: number, payload?: Buffer): void {
    this.socket.write(frameBytes(type, flags, id, payload));
  }

  /** Sends SETTINGS and acknowledges the client's. */
  open(...pairs: [number, number][]): void {
    this.send(SETTINGS, 0, 0, settingsPayload(...pairs));
    this.send(SETTINGS, ACK, 0);
  }

  /** Sends status 200 and no body. `0x20` is the table size update that is due after the acknowledgement. */
  answer(id: number): void {
    this.send(HEADERS, END_HEADERS | END_STREAM, id, Buffer.from([0x20, 0x88]));
  }

  goAway(lastId: number, code = 0, debug = ''): void {
    this.send(GOAWAY, 0, 0, Buffer.concat([u32(lastId, code), Buffer.from(debug)]));
  }

  of(type: number): RawFrame[] {
    return this.frames.filter((frame) => frame.type === type);
  }

  /** Ids of the received requests, in order. */
  get requests(): number[] {
    return this.of(HEADERS).map((frame) => frame.id);
  }

  /** The code of the client's GOAWAY, if any. */
  get goodbye(): number | undefined {
    return this.of(GOAWAY)[0]?.payload.readUInt32BE(4);
  }

  private read(chunk: Buffer): void {
    this.bytes = Buffer.concat([this.bytes, chunk]);
    if (!this.prefaceSeen) {
      if (this.bytes.length < PREFACE_BYTES) return;
      this.bytes = this.bytes.subarray(PREFACE_BYTES);
      this.prefaceSeen = true;
    }
    while (this.bytes.length >= 9) {
      const length = this.bytes.readUIntBE(0, 3);
      if (this.bytes.length < 9 + length) return;
      const frame = {
        type: this.bytes[3]!,
        flags: this.bytes[4]!,
        id: this.bytes.readUInt32BE(5),
        payload: Buffer.from(this.bytes.subarray(9, 9 + length)),
      };
      this.bytes = this.bytes.subarray(9 + length);
      this.frames.push(frame);
      this.onFrame(frame);
    }
  }
}

export interface RawPeer {
  origin: string;
  connections: RawConnection[];
  /** The nth connection, after it was opened. */
  connection(n: number): Promise<RawConnection>;
  close(): Promise<void>;
}

/** A peer on a free loopback port that runs the script for each connection; `https` requires ALPN h2. */
export async function startRawPeer(
  script: (connection: RawConnection, n: number) => void,
  scheme: 'http' | 'https' = 'http',
  port = 0,
): Promise<RawPeer> {
  const connections: RawConnection[] = [];
  const accept = (socket: Socket): void => {
    const connection = new RawConnection(socket);
    connections.push(connection);
    script(connection, connections.length - 1);
  };
  const options = { allowHalfOpen: true, cert: testCertificate, key: testKey, ALPNProtocols: ['h2'] };
  const server = scheme === 'http' ? createServer(options, accept) : createTlsServer(options, accept);
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const address = server.address() as AddressInfo;
  return {
    origin: `${scheme}://127.0.0.1:${address.port}`,
    connections,
    async connection(n) {
      await until(`connection ${n}`, () => connections.length > n);
      return connections[n]!;
    },
    close() {
      for (const { socket } of connections) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

/** A script that answers every request at once. */
export function answering(...settings: [number, number][]): (connection: RawConnection) => void {
  return (connection) => {
    connection.open(...settings);
    connection.onFrame = ({ type, flags, id }) => {
      if ((type === HEADERS || type === DATA) && (flags & END_STREAM) !== 0) connection.answer(id);
    };
  };
}
