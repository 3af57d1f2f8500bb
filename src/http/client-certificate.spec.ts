import { X509Certificate } from 'node:crypto';
import { rootCertificates } from 'node:tls';
import { expect, it } from 'vitest';
import { ClientCertificates, thumbprintOf } from './client-certificate.js';
import { Origins } from './origin.js';

const pem = `${rootCertificates[0]}\n`;
const { raw, fingerprint256 } = new X509Certificate(pem);
const hash = fingerprint256.replaceAll(':', '').toLowerCase();
const thumbprint = Buffer.from(hash, 'hex').toString('base64url');
const base64 = raw.toString('base64');
const other = 'ab'.repeat(32);

it.each([
  ['nginx, $ssl_client_escaped_cert', encodeURIComponent(pem)],
  ['HAProxy, ssl_c_der,base64', base64],
  ['RFC 9440', `:${base64}:`],
  ['Envoy', `By=spiffe://a/b;Hash=${hash};Subject="CN=a, O=\\"b;Hash=${other}\\"";URI=`],
  ['Envoy, with quotes', `Hash="${hash}"`],
  ['Envoy behind another Envoy', `Hash=${other};Subject="",By=b;Hash=${hash}`],
])('reads %s', (_form, header) => expect(thumbprintOf(header)).toBe(thumbprint));

it.each([
  '',
  '(null)',
  'none',
  'Hash=ab',
  `Subject="Hash=${other}"`,
  `X-Hash=${other}`,
  '%',
  '-----BEGIN%20CERTIFICATE-----',
])('reads nothing in %j', (header) => expect(thumbprintOf(header)).toBeNull());

it.each([
  ['a trusted proxy', '10.0.0.1', 'x-cert', thumbprint],
  ['another address', '192.0.2.1', 'x-cert', null],
  ['a trusted proxy without the setting', '10.0.0.1', undefined, null],
])('takes the header of %s', (_from, remoteAddress, name, expected) => {
  const origins = new Origins({ trustedProxies: ['10.0.0.0/8'] });
  const certificates = new ClientCertificates({ clientCertificateHeader: name }, origins);
  const request = { headers: { 'x-cert': base64 }, socket: { remoteAddress } };
  expect(certificates.of(request as never)).toBe(expected);
});
