import { ConnectionError, ErrorCode, INITIAL_WINDOW_BYTES, MAX_31_BITS, MAX_FRAME_BYTES } from './frames.js';
import { DEFAULT_TABLE_BYTES } from './hpack-static.js';

/** RFC 9113 §6.5.2. */
export const SettingId = {
  HEADER_TABLE_SIZE: 1,
  ENABLE_PUSH: 2,
  MAX_CONCURRENT_STREAMS: 3,
  INITIAL_WINDOW_SIZE: 4,
  MAX_FRAME_SIZE: 5,
  MAX_HEADER_LIST_SIZE: 6,
} as const;

/**
 * Limit of the decoded headers of one answer, in octets plus 32 per field: ten times the headers of any push service.
 */
export const MAX_HEADER_LIST_BYTES = 65_536;

/**
 * Our settings for every peer. Without a header table an answer is read without state; windows and frame size keep
 * their defaults, which suit answers of a few hundred octets.
 */
export const CLIENT_SETTINGS: readonly (readonly [number, number])[] = [
  [SettingId.HEADER_TABLE_SIZE, 0],
  [SettingId.ENABLE_PUSH, 0],
  [SettingId.MAX_HEADER_LIST_SIZE, MAX_HEADER_LIST_BYTES],
];

/** The number of streams if the peer sets no limit; push services allow about as many. */
const STREAMS_WITHOUT_LIMIT = 1000;

/** More streams on one connection would only wait in the peer. */
const STREAMS_AT_MOST = 10_000;

/** The peer's current settings. */
export class PeerSettings {
  headerTableSize = DEFAULT_TABLE_BYTES;
  maxConcurrentStreams = STREAMS_WITHOUT_LIMIT;
  /** Octets of body that a new stream may send. */
  initialWindow = INITIAL_WINDOW_BYTES;

  /** Reads a SETTINGS payload; throws ConnectionError by RFC 9113 §6.5 and §6.5.2. */
  read(bytes: Buffer, at: number, end: number): void {
    if ((end - at) % 6 !== 0) throw new ConnectionError(ErrorCode.FRAME_SIZE_ERROR, 'SETTINGS of odd length');
    for (; at < end; at += 6) this.apply(bytes.readUInt16BE(at), bytes.readUInt32BE(at + 2));
  }

  private apply(identifier: number, value: number): void {
    switch (identifier) {
      case SettingId.HEADER_TABLE_SIZE:
        this.headerTableSize = value;
        break;
      case SettingId.ENABLE_PUSH:
        if (value !== 0) throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, `ENABLE_PUSH ${value} from a server`);
        break;
      case SettingId.MAX_CONCURRENT_STREAMS:
        this.maxConcurrentStreams = Math.min(value, STREAMS_AT_MOST);
        break;
      case SettingId.INITIAL_WINDOW_SIZE:
        if (value > MAX_31_BITS) {
          throw new ConnectionError(ErrorCode.FLOW_CONTROL_ERROR, `INITIAL_WINDOW_SIZE ${value}`);
        }
        this.initialWindow = value;
        break;
      case SettingId.MAX_FRAME_SIZE:
        if (value < MAX_FRAME_BYTES || value > 0xff_ffff) {
          throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, `MAX_FRAME_SIZE ${value}`);
        }
        break;
      default: // Unknown settings and the advisory MAX_HEADER_LIST_SIZE have no effect here.
    }
  }
}
