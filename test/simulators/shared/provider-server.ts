import * as http from 'node:http';
import * as http2 from 'node:http2';
import * as net from 'node:net';
import * as tls from 'node:tls';
import { Connection } from './connection.js';
import { ServedExchange, type Desk } from './exchange.js';
import type { Handshake } from './settings.js';
import { ResponseWire, StreamWire } from './wires.js';

/** More than any provider accepts; the rest of a longer body is counted and dropped. */
const MAX_BUFFERED_BYTES = 2 * 1024 * 1024;
/** The first bytes of an HTTP/2 client (RFC 9113 §3.4), which separate HTTP/2 from HTTP/1.1 on a plain port. */
const PREFACE_START = 'PRI * ';

export interface ServerOptions {
  /** Certificate and key in PEM; null for plain TCP. */
  tls: { cert: string; key: string } | null;
  /** True if HTTP/1.1 is served besides HTTP/2, `only` for HTTP/1.1 alone. */
  http1: boolean | 'only';
}

/** The fate of requests in flight when a command cuts connections. */
export type InFlightFate = 'lost' | 'accepted' | 'half';
export type ConnectionCommand = 'goaway' | 'goawayHalf' | 'fin' | 'tcpReset' | 'blackhole';

/**
 * One provider's port. Accepts TCP itself and passes the socket to TLS and HTTP, so that faults can use the raw socket,
 * and the port can close and open again without effect on open connections.
 */
export class ProviderServer {
  readonly connections = new Set<Connection>();
  private readonly front = net.createServer({ noDelay: true }, (socket) => this.accept(socket));
  private readonly http1Server = http.createServer((request, response) => this.serveHttp1(request, response));
  private readonly bySocket = new WeakMap<object, Connection>();
  private readonly byRemotePort = new Map<number | undefined, Connection>();
  /** Null with plain ports. */
  private readonly secureServers: Record<Handshake, tls.Server> | null;
  private port = 0;
  private nextConnection = 1;

  constructor(
    readonly desk: Desk,
    private readonly options: ServerOptions,
  ) {
    this.secureServers = options.tls ? this.createSecureServers(options.tls) : null;
    // Longer than a busy test blocks a client: after Node's default of 5 s it could write into a closed connection.
    this.http1Server.keepAliveTimeout = 120_000;
  }

  /** Listens on loopback; 0 selects a free port. Returns the port. */
  async listen(port: number): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      this.front.once('error', reject);
      this.front.listen(port, '127.0.0.1', () => {
        this.front.off('error', reject);
        resolve();
      });
    });
    this.port = (this.front.address() as net.AddressInfo).port;
    return this.port;
  }

  /** Applies the current settings to open connections and the port. */
  async applySettings(): Promise<void> {
    for (const connection of this.connections) {
      connection.announceStreams(this.streamsOf(connection));
      connection.session?.setTimeout(this.desk.settings.idleCloseMs);
    }
    if (this.desk.settings.acceptConnections === this.front.listening) return;
    if (this.desk.settings.acceptConnections) await this.listen(this.port);
    // Node stops listening at once; the callback would wait until every open connection has ended.
    else this.front.close();
  }

  /** Applies the command to every open connection; returns their number. */
  command(command: ConnectionCommand, fate: InFlightFate, debug: string | undefined): number {
    const open = [...this.connections].filter((connection) => !connection.silent);
    for (const connection of open) {
      if (command === 'goaway') connection.goawayGracefully(debug);
      else if (command === 'goawayHalf') connection.goawayAt(connection.middleStream(), 0, debug);
      else {
        this.decideInFlight(connection, fate);
        connection[command]();
      }
    }
    return open.length;
  }

  private decideInFlight(connection: Connection, fate: InFlightFate): void {
    if (fate === 'lost') return;
    for (const exchange of connection.inFlight) {
      if (fate === 'accepted' || this.desk.random.next() < 0.5) exchange.recordAnswerLost();
    }
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => {
      if (this.front.listening) this.front.close(() => resolve());
      else resolve();
    });
    for (const connection of this.connections) connection.socket.destroy();
    await closed;
  }

  private accept(socket: net.Socket): void {
    const connection = new Connection(this.nextConnection++, socket);
    this.connections.add(connection);
    this.desk.counters.connectionsOpened += 1;
    // Read now: a closed socket no longer has its port.
    const { remotePort } = socket;
    socket.on('error', ignore);
    socket.on('close', () => {
      this.connections.delete(connection);
      if (this.byRemotePort.get(remotePort) === connection) this.byRemotePort.delete(remotePort);
      // The sender closed the connection: arrived messages stay. Exchanges that the simulator cut were settled then.
      for (const exchange of connection.inFlight) exchange.leave();
    });
    const { acceptDelayMs } = this.desk.settings;
    if (acceptDelayMs > 0) setTimeout(() => this.begin(connection, socket), acceptDelayMs);
    else this.begin(connection, socket);
  }

  private begin(connection: Connection, socket: net.Socket): void {
    if (connection.silent || socket.destroyed) return;
    if (!this.secureServers) return this.acceptPlain(connection, socket);
    this.byRemotePort.set(socket.remotePort, connection);
    this.secureServers[this.desk.settings.handshake].emit('connection', socket);
  }

  private createSecureServers(certificate: { cert: string; key: string }): Record<Handshake, tls.Server> {
    const create = (options: tls.TlsOptions): tls.Server => {
      const server = tls.createServer(options);
      server.on('secureConnection', (secure) => this.acceptSecure(secure));
      server.on('tlsClientError', (_error, secure) => secure.destroy());
      return server;
    };
    return {
      ok: create({
        ...certificate,
        ALPNProtocols: [...(this.options.http1 === 'only' ? [] : ['h2']), ...(this.options.http1 ? ['http/1.1'] : [])],
      }),
      // A server without a certificate cannot complete a handshake.
      failing: create({}),
      noAlpn: create(certificate),
      http1Only: create({ ...certificate, ALPNProtocols: ['http/1.1'] }),
    };
  }

  /** A tls.Server wraps the given socket in another one; the peer's port identifies ours. */
  private acceptSecure(secure: tls.TLSSocket): void {
    const connection = this.byRemotePort.get(secure.remotePort);
    secure.on('error', ignore);
    if (!connection) secure.destroy();
    else if (secure.alpnProtocol === 'h2') this.serveHttp2(connection, secure);
    else if (this.options.http1) this.openHttp1(connection, secure);
    else secure.destroy();
  }

  private acceptPlain(connection: Connection, socket: net.Socket): void {
    if (!this.options.http1) return this.serveHttp2(connection, socket);
    if (this.options.http1 === 'only') return this.openHttp1(connection, socket);
    socket.once('readable', () => {
      const start = socket.read() as Buffer | null;
      if (!start) return;
      socket.unshift(start);
      if (start.toString('latin1', 0, PREFACE_START.length) === PREFACE_START) this.serveHttp2(connection, socket);
      else this.openHttp1(connection, socket);
    });
  }

  private serveHttp2(connection: Connection, socket: net.Socket): void {
    const maxConcurrentStreams = this.streamsOf(connection);
    const session = http2.performServerHandshake(socket, { settings: { maxConcurrentStreams } });
    connection.session = session;
    session.on('error', ignore);
    this.answerProtocolErrors(connection, session);
    // Closed by either side: the TCP connection is no longer used.
    session.on('close', () => connection.silent || socket.destroySoon());
    session.on('timeout', () => connection.goawayGracefully());
    session.setTimeout(this.desk.settings.idleCloseMs);
    session.on('stream', (stream, headers, _flags, ...rest) => {
      // The types lack the fourth argument, the headers as received.
      const [rawHeaders] = rest as unknown as [string[]];
      const exchange = new ServedExchange(this.desk, connection, new StreamWire(stream));
      stream.on('error', ignore);
      stream.on('close', () => exchange.leave());
      collectBody(stream, (body, bodyLength) => {
        const { ':method': method = '', ':path': path = '' } = headers;
        exchange.serve({ method, path, headers, rawHeaders, body, bodyLength, connection });
      });
    });
  }

  /**
   * A client's protocol fault must end with GOAWAY PROTOCOL_ERROR (RFC 9113). nghttp2 enforces the stream limit, but
   * node:http2 then destroys session and socket at once: INTERNAL_ERROR at best, often only a TCP reset.
   */
  private answerProtocolErrors(connection: Connection, session: http2.ServerHttp2Session): void {
    const destroy = session.destroy.bind(session);
    session.destroy = (error?: NodeJS.ErrnoException, code?: number): void => {
      if (error?.code !== 'ERR_HTTP2_ERROR') return destroy(error, code);
      const { rules, counters } = this.desk;
      counters.protocolErrors += 1;
      const overrun = connection.inFlight.size >= this.streamsOf(connection);
      connection.refuseProtocolError(overrun ? rules.overrunDebug : 'protocol error');
    };
  }

  private streamsOf(connection: Connection): number {
    const { rules, settings } = this.desk;
    return rules.streams?.(connection) ?? settings.streams;
  }

  private openHttp1(connection: Connection, socket: net.Socket): void {
    this.bySocket.set(socket, connection);
    this.http1Server.emit('connection', socket);
  }

  private serveHttp1(request: http.IncomingMessage, response: http.ServerResponse): void {
    const connection = this.bySocket.get(request.socket);
    if (!connection) return void request.socket.destroy();
    const exchange = new ServedExchange(this.desk, connection, new ResponseWire(response));
    response.on('close', () => exchange.leave());
    collectBody(request, (body, bodyLength) => {
      const { method = '', url: path = '', headers, rawHeaders } = request;
      exchange.serve({ method, path, headers, rawHeaders, body, bodyLength, connection });
    });
  }
}

function collectBody(source: NodeJS.ReadableStream, done: (body: Buffer, length: number) => void): void {
  let chunks: Buffer[] = [];
  let length = 0;
  source.on('data', (chunk: Buffer) => {
    length += chunk.length;
    if (length - chunk.length < MAX_BUFFERED_BYTES) chunks.push(chunk);
  });
  source.on('end', () => {
    const body = chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks);
    chunks = [];
    done(body, length);
  });
}

/** Errors of sockets and streams mean that the peer has gone; 'close' follows and does the accounting. */
function ignore(): void {}
