import type { TokenRequest } from '../shared/bearer-tokens.js';
import { shelfName } from '../token-shelf.js';
import type { WnsCredentials } from './wns.settings.js';

/** Endpoints of WNS' access tokens, configurable for simulators and national clouds. */
export interface WnsTokenEndpoints {
  /** For a package SID, e.g. `https://login.live.com/accesstoken.srf`. */
  tokenUrl: string;
  /** Origin of Entra's endpoints, e.g. `https://login.microsoftonline.com`. */
  entraUrl: string;
}

/**
 * Client credentials (RFC 6749 §4.4) at the endpoint of the credentials (Microsoft: "WNS overview", "App SDK push
 * quickstart").
 */
export function clientGrant(credentials: WnsCredentials, { tokenUrl, entraUrl }: WnsTokenEndpoints): TokenRequest {
  const { clientSecret } = credentials;
  const request = (url: string, clientId: string, scope: string): TokenRequest => ({
    name: shelfName('wns', url, clientId, clientSecret),
    url,
    form: () => ({ grant_type: 'client_credentials', client_id: clientId, client_secret: clientSecret, scope }),
  });
  if (credentials.kind === 'package') return request(tokenUrl, credentials.packageSID, 'notify.windows.com');
  const url = new URL(`/${encodeURIComponent(credentials.tenantId)}/oauth2/v2.0/token`, entraUrl);
  return request(url.href, credentials.clientId, 'https://wns.windows.com/.default');
}
