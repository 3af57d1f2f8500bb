import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { readFileSync, rmSync } from 'node:fs';
import * as https from 'node:https';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { decodeJwt } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Admin, RUNTIME, basic } from '../harness/admin.js';
import { runToEnd } from '../harness/carillon.js';
import { runProgram } from '../harness/program.js';
import { newFolder } from '../medium/database/places.js';
import { isMissing, startNginx } from '../medium/http2/real-peers.js';
import type { RealPeer } from '../medium/http2/real-peers.js';
import { EMBEDDED } from './stages.js';

/** Tokens bound to the certificate that a caller shows to nginx (RFC 8705), configured as in docs/operations.md. */

const HEADER = 'x-client-cert';
/** nginx calls from this address; calls of the test that do not pass nginx come from 127.0.0.1. */
const PROXY = '127.0.0.2';
const AZ = '/mfp/api/az/v1';
const CLIENT = { id: 'bank', secret: 'a-secret-of-the-bank' };
const folder = newFolder();

function certificate(name: string): { cert: string; key: string; thumbprint: string } {
  const at = (end: string): string => join(folder, `${name}.${end}`);
  execFileSync('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-subj', `/CN=${name}`],
    ...['-keyout', at('key'), '-out', at('crt')],
  ]);
  const cert = readFileSync(at('crt'), 'utf8');
  const hash = new X509Certificate(cert).fingerprint256.replaceAll(':', '');
  return { cert, key: readFileSync(at('key'), 'utf8'), thumbprint: Buffer.from(hash, 'hex').toString('base64url') };
}

describe.runIf(!isMissing('nginx'))('behind nginx with client certificates', () => {
  const environment = () => ({ TRUST_PROXY: PROXY, CLIENT_CERTIFICATE_HEADER: 'X-Client-Cert' });
  const program = runProgram(EMBEDDED, { environment });
  const [own, other] = [certificate('own'), certificate('other')];
  let nginx: RealPeer;

  beforeAll(async () => {
    nginx = await startNginx(
      `ssl_verify_client optional_no_ca;
       location / { proxy_pass ${program.carillon.url}; proxy_bind ${PROXY};
         proxy_set_header X-Client-Cert $ssl_client_escaped_cert; }`,
    );
    const admin = new Admin(program.carillon.url);
    const bound = { ...CLIENT, allowedScope: 'mfpmonitor tags.read push.application.*', certificateBound: true };
    const made = await admin.call('POST', '/confidentialclients', bound);
    if (made.status !== 201) throw new Error(JSON.stringify(made.body));
  });
  afterAll(async () => {
    await nginx.stop();
    rmSync(folder, { recursive: true });
  });

  interface Call {
    /** The certificate that the caller shows. */
    shows?: { cert: string; key: string };
    headers?: Record<string, string>;
    body?: string;
  }

  async function through(path: string, { shows, headers, body }: Call): Promise<{ status: number; body: unknown }> {
    const { cert, key } = shows ?? {};
    const method = body === undefined ? 'GET' : 'POST';
    const options = {
      port: new URL(nginx.origin).port,
      path,
      method,
      headers,
      cert,
      key,
      rejectUnauthorized: false,
      agent: false,
    };
    return new Promise((resolve, reject) => {
      const call = https.request(options, (response) => {
        text(response).then((whole) => resolve({ status: response.statusCode!, body: JSON.parse(whole) }), reject);
      });
      call.on('error', reject).end(body);
    });
  }

  const form = (authorization: string) => ({ authorization, 'content-type': 'application/x-www-form-urlencoded' });
  const grant = 'grant_type=client_credentials&scope=mfpmonitor tags.read push.application.*';
  const obtain = (shows?: Call['shows'], { id, secret } = CLIENT, more = {}) =>
    through(`${AZ}/token`, { shows, headers: { ...form(basic(id, secret)), ...more }, body: grant });
  const tokenOf = ({ body }: { body: unknown }): string => (body as { access_token: string }).access_token;
  const use = (token: string, shows?: Call['shows'], more = {}) =>
    through('/imfpush/v1/system', { shows, headers: { authorization: `Bearer ${token}`, ...more } });

  it('a token is bound to the certificate over which it was issued, and good with it alone', async () => {
    const token = tokenOf(await obtain(own));
    expect(decodeJwt(token).cnf).toEqual({ 'x5t#S256': own.thumbprint });
    expect((await use(token, own)).status).toBe(200);
    for (const shows of [other, undefined]) {
      const refused = await use(token, shows);
      expect(refused).toMatchObject({ status: 401, body: { code: 'CARIL0401E' } });
      expect(JSON.stringify(refused.body)).toContain('bound to a certificate');
    }
  });

  it('a forged header counts neither through the proxy nor past it', async () => {
    const token = tokenOf(await obtain(own));
    const forged = { [HEADER]: encodeURIComponent(own.cert) };
    expect((await use(token, undefined, forged)).status).toBe(401);
    expect((await use(token, other, forged)).status).toBe(401);
    const past = { headers: { authorization: `Bearer ${token}`, ...forged } };
    expect((await fetch(`${program.carillon.url}/imfpush/v1/system`, past)).status).toBe(401);
    expect((await fetch(`${program.carillon.url}${RUNTIME}/auditevents`, past)).status).toBe(401);
  });

  it('a client that must be bound gets no token without a certificate', async () => {
    const client = await new Admin(program.carillon.url).call('GET', '/confidentialclients/bank');
    expect(client.body).toMatchObject({ certificateBound: true });
    const refusal = { status: 400, body: { error: 'invalid_request' } };
    expect(await obtain()).toMatchObject(refusal);
    expect(await obtain(undefined, CLIENT, { [HEADER]: encodeURIComponent(own.cert) })).toMatchObject(refusal);
  });

  it('introspection answers the certificate; the token of any client is bound if it shows one', async () => {
    const test = { id: 'test', secret: 'test' };
    const ask = (token: string) =>
      through(`${AZ}/introspection`, { headers: form(basic(test.id, test.secret)), body: `token=${token}` });
    const cnf = { 'x5t#S256': other.thumbprint };
    expect((await ask(tokenOf(await obtain(other, test)))).body).toMatchObject({ active: true, cnf });
    const free = (await ask(tokenOf(await obtain(undefined, test)))).body;
    expect(free).toMatchObject({ active: true });
    expect(free).not.toHaveProperty('cnf');
  });

  it('tokens from before the client had to be bound end with that change', async () => {
    const admin = new Admin(program.carillon.url);
    await admin.call('PATCH', '/confidentialclients/bank', { certificateBound: false });
    const token = tokenOf(await obtain());
    expect((await use(token)).status).toBe(200);
    await admin.call('PATCH', '/confidentialclients/bank', { certificateBound: true });
    expect((await use(token)).status).toBe(401);
    expect((await use(token, own)).status).toBe(401);
    expect((await use(tokenOf(await obtain(own)), own)).status).toBe(200);
  });
});

it.each([
  ['without TRUST_PROXY', { CLIENT_CERTIFICATE_HEADER: HEADER }, 'CLIENT_CERTIFICATE_HEADER needs TRUST_PROXY'],
  ['that is no name', { CLIENT_CERTIFICATE_HEADER: 'a b', TRUST_PROXY: PROXY }, 'must be the name of a header'],
])('a start with a header %s is refused', async (_name, settings, reason) => {
  const { code, output } = await runToEnd(settings);
  expect(code).toBe(1);
  expect(output).toContain(reason);
});
