import { Logger } from '@nestjs/common';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { BlockList, isIPv6 } from 'node:net';
import { readIp } from '../common/ip.js';
import type { Config } from '../config.js';

/** The address of a caller, for the limits of wrong secrets and the audit log. */

/** For Fastify: whether the X-Forwarded-For of a peer is trusted, in any notation of its address. */
export function trustFunction(networks: readonly string[]): ((address: string) => boolean) | false {
  if (networks.length === 0) return false;
  const trusted = new BlockList();
  for (const network of networks) {
    const [address = '', bits] = network.split('/');
    const family = isIPv6(address) ? 'ipv6' : 'ipv4';
    if (bits === undefined) trusted.addAddress(address, family);
    else trusted.addSubnet(address, Number(bits), family);
  }
  return (text) => {
    const address = readIp(text);
    return address !== null && trusted.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
  };
}

/**
 * The caller's IP address. If a trusted proxy gives none (`unknown`, a host name), the address of the last hop that has
 * one; empty if the connection is closed.
 */
export function addressOf({ ip, ips, socket }: Pick<FastifyRequest, 'ip' | 'ips' | 'socket'>): string {
  for (const hop of ips ? ips.toReversed() : [ip]) {
    const address = readIp(hop ?? '');
    if (address !== null) return address;
  }
  return readIp(socket.remoteAddress ?? '') ?? '';
}

/** The request behind an act, for the audit. */
export interface CallerRequest {
  address: string;
  requestId: string;
  /** As the caller writes it, cut. */
  userAgent?: string;
}

const MAX_USER_AGENT = 256;

export function callerRequestOf(request: FastifyRequest): CallerRequest {
  const userAgent = request.headers['user-agent']?.slice(0, MAX_USER_AGENT);
  return { address: addressOf(request), requestId: request.id, ...(userAgent && { userAgent }) };
}

/** Warns once: without TRUST_PROXY all callers behind a proxy have its address and share one limit of wrong secrets. */
export function warnOfUntrustedProxy(
  fastify: FastifyInstance,
  { environment, trustedProxies }: Pick<Config, 'environment' | 'trustedProxies'>,
): void {
  if (environment !== 'production' || trustedProxies.length > 0) return;
  let warned = false;
  fastify.addHook('onRequest', (request, _reply, done) => {
    if (!warned && request.headers['x-forwarded-for'] !== undefined) {
      warned = true;
      new Logger('Http').warn(
        `A request from ${addressOf(request)} has X-Forwarded-For, and TRUST_PROXY is not set: all callers behind that proxy ` +
          'count as one. Set TRUST_PROXY to the address of the proxy, if it is yours.',
      );
    }
    done();
  });
}
