import type { Setting } from './setting.js';

/** The settings of the proxy for outgoing connections: a part of the list in settings.ts. */

export const PROXY_SETTINGS: readonly Setting[] = [
  {
    name: 'PROVIDER_PROXY',
    fallback: '',
    isSecret: true,
    meaning:
      'proxy for outgoing https (providers, their token endpoints, webhooks, the upstream): `http://user:password@host:3128` for HTTP CONNECT, `https://…` for CONNECT over TLS, `socks5://…` for SOCKS5; empty: `HTTPS_PROXY`',
  },
  {
    name: 'HTTPS_PROXY',
    fallback: '',
    isSecret: true,
    meaning: 'the same, as other programs read it; empty: connections are opened directly',
  },
  {
    name: 'NO_PROXY',
    fallback: 'localhost,127.0.0.0/8,::1',
    meaning:
      'hosts that are reached without the proxy, comma-separated: `name` with every host below it, `.name` for those below alone, each with `:port` if only that port is meant, an address, a network (`10.0.0.0/8`) for hosts given as addresses, `*` for all',
  },
];
