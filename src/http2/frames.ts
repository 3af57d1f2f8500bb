/** Names and numbers of HTTP/2 framing (RFC 9113 §6 and §7). */

/** The client's first bytes (RFC 9113 §3.4). */
export const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1');

/** Length (24 bits), type, flags, stream id (31 bits). */
export const FRAME_HEADER_BYTES = 9;

/** The largest frame until the peer allows more; we never allow more. */
export const MAX_FRAME_BYTES = 16_384;

/** Window of a new connection or stream before any SETTINGS or WINDOW_UPDATE (RFC 9113 §6.9.2). */
export const INITIAL_WINDOW_BYTES = 65_535;

/** Windows, ids and increments are 31 bits wide. */
export const MAX_31_BITS = 0x7fff_ffff;

export const FrameType = {
  DATA: 0,
  HEADERS: 1,
  PRIORITY: 2,
  RST_STREAM: 3,
  SETTINGS: 4,
  PUSH_PROMISE: 5,
  PING: 6,
  GOAWAY: 7,
  WINDOW_UPDATE: 8,
  CONTINUATION: 9,
} as const;

export const Flag = { END_STREAM: 0x1, ACK: 0x1, END_HEADERS: 0x4, PADDED: 0x8, PRIORITY: 0x20 } as const;

export const ErrorCode = {
  NO_ERROR: 0,
  PROTOCOL_ERROR: 1,
  INTERNAL_ERROR: 2,
  FLOW_CONTROL_ERROR: 3,
  SETTINGS_TIMEOUT: 4,
  STREAM_CLOSED: 5,
  FRAME_SIZE_ERROR: 6,
  REFUSED_STREAM: 7,
  CANCEL: 8,
  COMPRESSION_ERROR: 9,
  CONNECT_ERROR: 10,
  ENHANCE_YOUR_CALM: 11,
  INADEQUATE_SECURITY: 12,
  HTTP_1_1_REQUIRED: 13,
} as const;

const errorNames = new Map<number, string>(Object.entries(ErrorCode).map(([name, code]) => [code, name]));

/** `REFUSED_STREAM`, or `error 0x1f` for a code outside RFC 9113. */
export function errorName(code: number): string {
  return errorNames.get(code) ?? `error 0x${code.toString(16)}`;
}

/** The peer violated the protocol: the connection ends with GOAWAY and this code (RFC 9113 §5.4.1). */
export class ConnectionError extends Error {
  override readonly name = 'ConnectionError';

  constructor(
    readonly code: number,
    message: string,
  ) {
    super(`${errorName(code)}: ${message}`);
  }
}

/** One answer violated the protocol: its stream is reset with this code, the others continue (RFC 9113 §5.4.2). */
export class StreamError extends Error {
  override readonly name = 'StreamError';

  constructor(
    readonly code: number,
    message: string,
  ) {
    super(`${errorName(code)}: ${message}`);
  }
}

const FIXED_LENGTHS: ReadonlyMap<number, number> = new Map([
  [FrameType.PRIORITY, 5],
  [FrameType.RST_STREAM, 4],
  [FrameType.PING, 8],
  [FrameType.WINDOW_UPDATE, 4],
]);

/** Throws ConnectionError for a control frame of the wrong length or on the wrong kind of stream (RFC 9113 §6). */
export function checkFrameShape(type: number, id: number, length: number): void {
  const expected = FIXED_LENGTHS.get(type);
  if (expected !== undefined && length !== expected) {
    throw new ConnectionError(ErrorCode.FRAME_SIZE_ERROR, `frame of type ${type} with ${length} bytes`);
  }
  const isOfConnection = type === FrameType.SETTINGS || type === FrameType.PING || type === FrameType.GOAWAY;
  const isOfStream = type === FrameType.PRIORITY || type === FrameType.RST_STREAM;
  if ((isOfConnection && id !== 0) || (isOfStream && id === 0)) {
    throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, `frame of type ${type} on stream ${id}`);
  }
}
