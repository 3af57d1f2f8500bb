import type { Setting } from './setting.js';

/** The settings of addresses and TLS of this server: a part of the list in settings.ts. */

export const LISTENING_SETTINGS: readonly Setting[] = [
  {
    name: 'ADMIN_PORT',
    fallback: '',
    meaning:
      'port of administration at `HOST`, for the role `api`: it serves every route, and `PORT` then answers 404 except to apps and backends (devices, tags, messages, campaigns, tokens, health). Empty: `PORT` serves all',
  },
  {
    name: 'PUBLIC_URL',
    fallback: '',
    meaning:
      'address at which callers reach this installation (`https://push.example.com`): the audience of assertions of clients with keys (`private_key_jwt`); empty: in development `http://localhost:PORT`, in production such clients get no tokens',
  },
  {
    name: 'TLS_CERT_FILE',
    fallback: '',
    meaning:
      'PEM file of the certificate of this server, with those of the authorities between: the port then speaks https. Empty: plain http, for a proxy that ends TLS. SIGHUP reads both files again',
  },
  { name: 'TLS_KEY_FILE', fallback: '', meaning: 'PEM file of its private key, without a passphrase' },
  {
    name: 'CLIENT_CERTIFICATE_HEADER',
    fallback: '',
    meaning:
      'header in which the proxies of `TRUST_PROXY` name the certificate of a caller (RFC 8705), as nginx, HAProxy or Envoy write it; tokens are then bound to it. The proxies must remove this header from requests of callers. Empty: no header is read',
  },
];
