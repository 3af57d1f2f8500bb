import type { LookupFunction } from 'node:net';
import { PROXY_FAULT, type Way } from '../../common/tunnel.js';
import type { PushRequest, PushResult } from '../../http2/push.js';
import { PushPool } from '../../http2/pool.js';
import { Http1Client } from '../shared/http1-client.js';
import { meterOf } from '../shared/meter.js';
import type { SenderStats, Verdict } from '../provider.js';
import { statsOf } from '../shared/pool-stats.js';
import { unansweredVerdict } from '../shared/unanswered.js';
import { speaksHttp2 } from './web-push.alpn.js';
import { MINUTE_MS } from '../../common/durations.js';
import { NOT_PUBLIC } from '../../common/public-address.js';
import type { Endpoint } from './web-push.endpoint.js';

const METER = meterOf('web-push');

/** Chrome, Firefox and Safari have one origin each and Windows some dozens; the rest is for private services. */
const ORIGINS = 64;
/** At close, open requests may take as long as any request: 15 s. */
const GRACE_MS = 15_000;
/**
 * For an origin without HTTP/2: at 100 ms per answer 640 a second. Common servers close an unused connection after 5 s,
 * which would break a request that is sent at that moment.
 */
const HTTP1 = { maxConnections: 64, idleMs: 4_000 };
/** First and longest wait after an unreachable origin. */
const UNREACHED_FLOOR_MS = 30_000;
const UNREACHED_CAP_MS = 10 * MINUTE_MS;

/** A channel to one origin, over HTTP/2 or HTTP/1.1. */
export interface Channel {
  send(request: PushRequest): Promise<PushResult>;
  /** Sends nothing more on the connection that gave this answer. */
  retire(connection: number): void;
  stats(): SenderStats;
  close(): Promise<void>;
}

export interface OriginsOptions extends Way {
  lookup: LookupFunction;
  /** Number of open channels. */
  limit?: number;
}

interface Entry {
  channel: Promise<Channel | Verdict>;
  /** Deliveries that use the channel now. */
  users: number;
}

/**
 * The channels of one sender, limited in number: the one unused for longest is closed for a new one. The protocol of an
 * origin is asked once by a TLS handshake and kept with its channel.
 */
export class Origins {
  /** In order of last use. */
  private readonly entries = new Map<string, Entry>();
  private readonly closing = new Set<Promise<void>>();
  private readonly opened = new Set<Channel>();
  private closed = false;

  constructor(private readonly options: OriginsOptions) {}

  /**
   * Runs `use` on the endpoint's channel, or returns the verdict if there is none. The channel stays open meanwhile.
   */
  async with(endpoint: Endpoint, use: (channel: Channel) => Promise<Verdict>): Promise<Verdict> {
    if (this.closed) return unansweredVerdict({ kind: 'refused', reason: 'the sender is closed' });
    const key = endpoint.isWindows ? `${endpoint.origin} http/1.1` : endpoint.origin;
    const entry = this.entries.get(key) ?? this.open(endpoint);
    if (entry === undefined) return unreached('more origins at once than this process keeps');
    this.entries.delete(key);
    this.entries.set(key, entry);
    entry.users++;
    try {
      const channel = await entry.channel;
      if ('send' in channel) return await use(channel);
      // The next delivery asks the origin again.
      if (this.entries.get(key) === entry) this.entries.delete(key);
      return channel;
    } finally {
      entry.users--;
    }
  }

  stats(): SenderStats {
    const sum = { connections: 0, streams: 0, inFlight: 0 };
    for (const channel of this.opened) {
      const stats = channel.stats();
      sum.connections += stats.connections;
      sum.streams += stats.streams;
      sum.inFlight += stats.inFlight;
    }
    return sum;
  }

  /** Opens no more channels, finishes requests in flight, and resolves when every connection is closed. */
  async close(): Promise<void> {
    this.closed = true;
    for (const entry of this.entries.values()) this.discard(entry);
    this.entries.clear();
    await Promise.all(this.closing);
  }

  /** Undefined if all open channels are in use. */
  private open(endpoint: Endpoint): Entry | undefined {
    if (this.entries.size >= (this.options.limit ?? ORIGINS)) {
      const idle = [...this.entries].find(([, { users }]) => users === 0);
      if (idle === undefined) return undefined;
      this.entries.delete(idle[0]);
      this.discard(idle[1]);
    }
    return { channel: this.connect(endpoint), users: 0 };
  }

  /** The next delivery asks for the protocol again. */
  private forget(origin: string): void {
    const entry = this.entries.get(origin);
    if (entry === undefined) return;
    this.entries.delete(origin);
    this.discard(entry);
  }

  private discard({ channel }: Entry): void {
    const closed = channel
      .then(async (open) => {
        if (!('send' in open)) return;
        await open.close();
        this.opened.delete(open);
      })
      .finally(() => this.closing.delete(closed));
    this.closing.add(closed);
  }

  private async connect({ origin, isWindows }: Endpoint): Promise<Channel | Verdict> {
    const { ca, lookup, tunnel } = this.options;
    try {
      // Windows is asked as well, to check its address.
      const http2 = (await speaksHttp2(origin, this.options)) && !isWindows;
      const channel = http2
        ? overHttp2(new PushPool({ origin, lookup, tunnel, tls: ca === undefined ? {} : { ca }, meter: METER }), () =>
            this.forget(origin),
          )
        : overHttp1(origin, new Http1Client({ ...HTTP1, ca, lookup, tunnel, meter: METER }));
      this.opened.add(channel);
      return channel;
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      // Keeps the device: a name server that filters or fails answers the same for valid names.
      if (code === NOT_PUBLIC) return { action: 'fail', reason: 'the endpoint is not at a public address' };
      return unreached(code === undefined || code === PROXY_FAULT ? message : code);
    }
  }
}

/** `notSpoken` is called if the origin no longer speaks HTTP/2. */
function overHttp2(pool: PushPool, notSpoken: () => void): Channel {
  return {
    send: async (request) => {
      const result = await pool.send(request);
      if (result.kind === 'refused' && /ALPN|application protocol/.test(result.reason)) notSpoken();
      return result;
    },
    retire: (connection) => pool.retire(connection),
    stats: () => statsOf(pool),
    close: () => pool.close(GRACE_MS),
  };
}

function overHttp1(origin: string, client: Http1Client): Channel {
  return {
    send: async ({ path, constant, headers = [], body, signal }) => {
      const all = Object.fromEntries([...constant, ...headers]);
      const result = await client.post(origin + path, all, body, signal);
      return result.kind === 'answered' ? { ...result, connection: 0 } : result;
    },
    retire: () => undefined,
    stats: () => client.stats(),
    close: () => client.close(),
  };
}

function unreached(reason: string): Verdict {
  return { action: 'retryBackoff', reason, floorMs: UNREACHED_FLOOR_MS, capMs: UNREACHED_CAP_MS };
}
