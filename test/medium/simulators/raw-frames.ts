import * as tls from 'node:tls';

const HEADERS = 1;
const SETTINGS = 4;
const GOAWAY = 7;
const END_HEADERS = 4;
const ACK = 1;

export interface RawGoaway {
  lastStreamId: number;
  code: number;
  debug: string;
}

/**
 * An HTTP/2 client that ignores the peer's stream limit, which node:http2 never does: opens `streams` requests without
 * ending any, and resolves with the GOAWAY, or null if the peer closes without one.
 */
export async function overrunStreams(url: string, ca: string, streams: number): Promise<RawGoaway | null> {
  const { port } = new URL(url);
  const socket = tls.connect({ port: Number(port), host: 'localhost', ca, ALPNProtocols: ['h2'] });
  socket.write(Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), frame(SETTINGS, 0, 0)]));
  let received = Buffer.alloc(0);
  return new Promise((resolve) => {
    socket.on('error', () => resolve(null));
    socket.on('close', () => resolve(null));
    socket.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      while (received.length >= 9 && received.length >= 9 + received.readUIntBE(0, 3)) {
        const length = received.readUIntBE(0, 3);
        const [type, flags] = [received.readUInt8(3), received.readUInt8(4)];
        const payload = received.subarray(9, 9 + length);
        received = received.subarray(9 + length);
        if (type === SETTINGS && flags === 0) {
          // The limit is valid from the acknowledgement on.
          socket.write(frame(SETTINGS, ACK, 0));
          for (let i = 0; i < streams; i++) socket.write(frame(HEADERS, END_HEADERS, 2 * i + 1, requestHeaders()));
        }
        if (type === GOAWAY) {
          const debug = payload.toString('utf8', 8);
          resolve({ lastStreamId: payload.readUInt32BE(0), code: payload.readUInt32BE(4), debug });
          socket.destroy();
        }
      }
    });
  });
}

/** HPACK: POST and https from the static table, path and authority as literals without indexing. */
function requestHeaders(): Buffer {
  const literal = (nameIndex: number, value: string): Buffer =>
    Buffer.concat([Buffer.from([nameIndex, value.length]), Buffer.from(value)]);
  return Buffer.concat([Buffer.from([0x83, 0x87]), literal(0x04, '/3/device/ab'), literal(0x01, 'localhost')]);
}

function frame(type: number, flags: number, stream: number, payload: Buffer = Buffer.alloc(0)): Buffer {
  const header = Buffer.alloc(9);
  header.writeUIntBE(payload.length, 0, 3);
  header.writeUInt8(type, 3);
  header.writeUInt8(flags, 4);
  header.writeUInt32BE(stream, 5);
  return Buffer.concat([header, payload]);
}
