import * as http2 from 'node:http2';
import { importPKCS8, SignJWT } from 'jose';
import type { ApnsCredentials, ServiceAccountFile } from '../../simulators/credentials.js';

/** A second HTTP/2 client beside the project's, so that the simulators are checked independently. */

export interface Outcome {
  /** Undefined if no answer came. */
  status?: number;
  headers: http2.IncomingHttpHeaders;
  text: string;
  /** The body if it is JSON. */
  json?: Record<string, unknown>;
  rstCode: number;
  /** Code of the stream's error, if any. */
  error?: string;
  streamId?: number;
}

export async function connect(url: string, ca: string): Promise<http2.ClientHttp2Session> {
  const session = http2.connect(url, ca === '' ? {} : { ca });
  await new Promise<void>((resolve, reject) => {
    session.once('error', reject);
    session.once('remoteSettings', () => {
      session.off('error', reject);
      resolve();
    });
  });
  // Faults end connections at any time; tests watch requests and 'close'.
  session.on('error', () => {});
  return session;
}

export function send(
  session: http2.ClientHttp2Session,
  headers: http2.OutgoingHttpHeaders,
  body: string | Buffer = '',
): Promise<Outcome> {
  return new Promise((resolve) => {
    const stream = session.request({ ':method': 'POST', ...headers });
    const outcome: Outcome = { headers: {}, text: '', rstCode: 0 };
    stream.setEncoding('utf8');
    stream.on('response', (received) => {
      outcome.headers = received;
      outcome.status = received[':status'];
    });
    stream.on('data', (chunk: string) => (outcome.text += chunk));
    stream.on('error', (error: NodeJS.ErrnoException) => (outcome.error = error.code ?? error.message));
    stream.on('close', () => {
      outcome.rstCode = stream.rstCode ?? 0;
      if (stream.id !== undefined) outcome.streamId = stream.id;
      if (String(outcome.headers['content-type']).startsWith('application/json')) outcome.json = parse(outcome.text);
      resolve(outcome);
    });
    stream.end(body);
  });
}

/** Undefined if the text is not JSON: answers may be spoilt. */
function parse(text: string): Record<string, unknown> | undefined {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}

export function nextSettings(session: http2.ClientHttp2Session): Promise<http2.Settings> {
  return new Promise((resolve) => session.once('remoteSettings', resolve));
}

export function closed(session: http2.ClientHttp2Session): Promise<void> {
  return session.destroyed ? Promise.resolve() : new Promise((resolve) => session.once('close', resolve));
}

export async function signProviderToken(
  { key, keyId, teamId }: ApnsCredentials,
  change: { issuedAt?: number; keyId?: string; teamId?: string } = {},
): Promise<string> {
  return new SignJWT({})
    .setProtectedHeader({ alg: 'ES256', kid: change.keyId ?? keyId })
    .setIssuer(change.teamId ?? teamId)
    .setIssuedAt(change.issuedAt ?? now())
    .sign(await importPKCS8(key, 'ES256'));
}

export async function signAssertion(
  account: ServiceAccountFile,
  claims: Record<string, unknown> = {},
  keyId: string = account.private_key_id,
): Promise<string> {
  return new SignJWT({
    iss: account.client_email,
    scope: 'https://www.googleapis.com/auth/firebase.messaging',
    aud: account.token_uri,
    iat: now(),
    exp: now() + 3600,
    ...claims,
  })
    .setProtectedHeader({ alg: 'RS256', typ: 'JWT', kid: keyId })
    .sign(await importPKCS8(account.private_key, 'RS256'));
}

export function now(): number {
  return Math.floor(Date.now() / 1000);
}

/** Asks until `holds` is true; the test's time limit ends it otherwise. */
export async function until<T>(ask: () => Promise<T>, holds: (value: T) => boolean): Promise<T> {
  for (;;) {
    const value = await ask();
    if (holds(value)) return value;
    await new Promise((resolve) => setImmediate(resolve));
  }
}
