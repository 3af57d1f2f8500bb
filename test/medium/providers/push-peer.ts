import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import {
  createSecureServer,
  type Http2SecureServer,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A push as received by the peer. */
export interface Push {
  path: string;
  headers: IncomingHttpHeaders;
  body: string;
  /** Number of the connection, from 0 in order of arrival. */
  session: number;
  stream: ServerHttp2Stream;
}

export interface Answer {
  status: number;
  body?: unknown;
  headers?: Record<string, string>;
}

/** A provider on 127.0.0.1 over TLS, with node's HTTP/2, that answers each push as the test says. */
export class PushPeer {
  readonly pushes: Push[] = [];
  readonly sessions: ServerHttp2Session[] = [];
  private readonly server: Http2SecureServer;

  private constructor(
    readonly ca: string,
    key: string,
    private readonly answer: (push: Push) => Answer | undefined | Promise<Answer | undefined>,
    maxConcurrentStreams: number,
    clientCa: string | undefined,
  ) {
    const clients = clientCa === undefined ? {} : { requestCert: true, rejectUnauthorized: true, ca: clientCa };
    this.server = createSecureServer({ cert: ca, key, settings: { maxConcurrentStreams }, ...clients });
    this.server.on('session', (session) => {
      this.sessions.push(session);
      session.on('error', () => undefined);
    });
    this.server.on('stream', (stream, headers) => void this.receive(stream, headers));
  }

  /**
   * `answer` may delay a push, or leave it unanswered by returning undefined. With `clientCa`, only clients with a
   * certificate of that authority are admitted.
   */
  static async start(
    answer: (push: Push) => Answer | undefined | Promise<Answer | undefined>,
    maxConcurrentStreams = 1_000,
    clientCa?: string,
  ): Promise<PushPeer> {
    const { cert, key } = selfSigned();
    const peer = new PushPeer(cert, key, answer, maxConcurrentStreams, clientCa);
    await new Promise<void>((resolve) => peer.server.listen(0, '127.0.0.1', resolve));
    return peer;
  }

  get url(): string {
    return `https://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** Distinct values of a header over all pushes, in order of arrival. */
  seen(header: string): string[] {
    return [...new Set(this.pushes.map(({ headers }) => String(headers[header])))];
  }

  async close(): Promise<void> {
    for (const session of this.sessions) session.destroy();
    await new Promise<void>((resolve) => this.server.close(() => resolve()));
  }

  private async receive(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): Promise<void> {
    stream.on('error', () => undefined);
    const chunks: Buffer[] = [];
    for await (const chunk of stream) chunks.push(chunk as Buffer);
    const session = this.sessions.indexOf(stream.session as ServerHttp2Session);
    const push = { path: String(headers[':path']), headers, body: Buffer.concat(chunks).toString(), session, stream };
    this.pushes.push(push);
    const answer = await this.answer(push);
    if (answer === undefined || stream.destroyed) return;
    // APNs returns the id of each notification.
    const id = headers['apns-id'];
    stream.respond({ ':status': answer.status, ...(id !== undefined && { 'apns-id': id }), ...answer.headers });
    stream.end(answer.body === undefined ? '' : JSON.stringify(answer.body));
  }
}

/** Node cannot issue certificates. */
function selfSigned(): { cert: string; key: string } {
  const folder = mkdtempSync(join(tmpdir(), 'push-peer-'));
  const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
  try {
    const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
    const names = ['-subj', '/CN=push-peer', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'];
    execFileSync('openssl', ['req', '-x509', ...curve, ...names, '-keyout', key, '-out', cert], { stdio: 'ignore' });
    return { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
