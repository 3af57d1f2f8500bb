import { Inject, Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { createHash } from 'node:crypto';
import { CONFIG } from '../common/tokens.js';
import type { Config } from '../config.js';
import { Origins } from './origin.js';

/** The thumbprint of the certificate that the caller showed to the proxy (RFC 8705 §3.1). */
@Injectable()
export class ClientCertificates {
  constructor(
    @Inject(CONFIG) private readonly config: Pick<Config, 'clientCertificateHeader'>,
    private readonly origins: Origins,
  ) {}

  /** Null: none, or the header is not of a trusted proxy. */
  of(request: Pick<FastifyRequest, 'headers' | 'socket'>): string | null {
    const { clientCertificateHeader: name } = this.config;
    const header = name && request.headers[name];
    return typeof header === 'string' && this.origins.isFromProxy(request) ? thumbprintOf(header) : null;
  }
}

/** With `Hash`, a proxy like Envoy names the certificate by its SHA-256 itself. */
const HASH = /(?:^|;)\s*Hash="?([0-9a-f]{64})"?\s*(?:;|$)/i;
/** A comma or an end outside of quotes. */
const ELEMENT = /(?:[^",]|"(?:[^"\\]|\\.)*")+/g;
const PEM = /^-----BEGIN CERTIFICATE-----\s([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----/;
const BASE64 = /^:?([A-Za-z0-9+/]{64,}={0,2}):?$/;

/**
 * `x5t#S256` of a certificate as proxies write it: PEM in URL encoding (nginx), DER in base64 (HAProxy, RFC 9440), or
 * `Hash=` of X-Forwarded-Client-Cert (Envoy). Null for every other text.
 */
export function thumbprintOf(header: string): string | null {
  const pem = PEM.exec(decoded(header))?.[1];
  const der = pem?.replaceAll(/\s/g, '') ?? BASE64.exec(header)?.[1];
  if (der !== undefined) return createHash('sha256').update(Buffer.from(der, 'base64')).digest('base64url');
  // Proxies before the last one append: only the last element is what the trusted proxy itself has seen.
  const hash = HASH.exec(header.match(ELEMENT)?.at(-1) ?? '')?.[1];
  return hash === undefined ? null : Buffer.from(hash, 'hex').toString('base64url');
}

function decoded(header: string): string {
  try {
    return decodeURIComponent(header);
  } catch {
    return header;
  }
}
