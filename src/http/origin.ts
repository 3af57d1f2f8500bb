import { Inject, Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { CONFIG } from '../common/tokens.js';
import type { Config } from '../config.js';
import { trustFunction } from './callers.js';

/** The server as the browser names it. */
export interface Origin {
  scheme: 'http' | 'https';
  /** In lower case, with the port if the browser gives one. */
  host: string;
}

type Head = Pick<FastifyRequest, 'headers' | 'socket'>;

/** Reads scheme and host of a request: from X-Forwarded-Proto and X-Forwarded-Host of trusted proxies alone. */
@Injectable()
export class Origins {
  private readonly trusts: (address: string) => boolean;

  constructor(@Inject(CONFIG) { trustedProxies }: Pick<Config, 'trustedProxies'>) {
    this.trusts = trustFunction(trustedProxies) || (() => false);
  }

  isFromProxy({ socket }: Pick<Head, 'socket'>): boolean {
    return this.trusts(socket.remoteAddress ?? '');
  }

  of(request: Head): Origin {
    const { headers, socket } = request;
    const forwarded = this.isFromProxy(request);
    const proto = forwarded ? firstOf(headers['x-forwarded-proto']) : undefined;
    const host = (forwarded ? firstOf(headers['x-forwarded-host']) : undefined) ?? headers.host ?? '';
    const isTls = proto === undefined ? 'encrypted' in socket : proto.toLowerCase() === 'https';
    return { scheme: isTls ? 'https' : 'http', host: host.toLowerCase() };
  }
}

/** The first of a list is what the caller itself used. Undefined: the header is absent or empty. */
export function firstOf(header: string | string[] | undefined): string | undefined {
  return (typeof header === 'string' ? header : header?.[0])?.split(',')[0]?.trim() || undefined;
}

/** As a browser writes it in `Origin`: without the scheme's own port. */
export function textOf({ scheme, host }: Origin): string {
  return `${scheme}://${host.replace(scheme === 'https' ? /:443$/ : /:80$/, '')}`;
}
