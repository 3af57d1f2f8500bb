import { isListed } from '../../common/host-list.js';
import { leadsInside } from '../../common/public-address.js';
import { printable } from '../../common/errors.js';
import { InvalidSettings, type ProviderSettings } from '../provider.js';
import { matching } from '../shared/settings-input.js';
import { MODES, readRoute, type Mode } from './upstream.route.js';

/** Credentials for the upstream: settings after `parseUpstreamSettings`. */
export interface UpstreamCredentials {
  baseUrl: string;
  clientId: string;
  secret: string;
}

/** Servers that messages may be relayed to. */
export interface UpstreamRules {
  /** Hosts that may be private and without TLS. Empty: any host in development; public hosts over TLS in production. */
  hosts: readonly string[];
  production: boolean;
}

export interface UpstreamEndpoints {
  tokenUrl: string;
  messagesUrl: string;
}

const FIELDS = ['baseUrl', 'clientId', 'secret', 'mode', 'share'];
const DEFAULT_RUNTIME = 'mfp';
/** Ends of addresses that are copied from a working call. The base URL ends before them. */
const BELOW_BASE = /\/(api|imfpush)(\/|$)/;
/** HTTP Basic ends the id at the first colon; ids and secrets are ASCII (docs/protocol/mobilefirst.md §4). */
export const CLIENT_ID = /^[\x21-\x39\x3b-\x7e]{1,255}$/;
export const SECRET = /^[\x20-\x7e]{1,255}$/;

/**
 * Validates the settings of an application's MobileFirst server: `baseUrl` (its last part is the runtime's name, `mfp`
 * if there is none), `clientId`, `secret`, `mode`, and for mode `both` the `share` of users in per cent whose messages
 * go direct. Mode and share keep their values if omitted (`upstream` at first). The secret is kept while address and
 * client stay; for another address it must be given again, because otherwise a caller could have it sent to an address
 * of the caller's choice. Throws InvalidSettings; its text never contains the input.
 */
export function parseUpstreamSettings(
  input: Record<string, unknown>,
  rules: UpstreamRules,
  current?: ProviderSettings,
): ProviderSettings {
  const unknown = Object.keys(input).find((field) => !FIELDS.includes(field));
  if (unknown !== undefined)
    throw new InvalidSettings(
      printable(unknown),
      `is not a field of the upstream; the fields are ${FIELDS.join(', ')}`,
    );
  const baseUrl = readBaseUrl(input.baseUrl, rules);
  const clientId = matching(input, 'clientId', CLIENT_ID, "must be the client's id: ASCII without colon or space");
  const isSame = current?.visible.baseUrl === baseUrl && current.visible.clientId === clientId;
  const secret =
    input.secret === undefined && isSame
      ? current.secret.secret
      : matching(
          input,
          'secret',
          SECRET,
          "must be the client's secret, in ASCII; it is kept only for the same address",
        );
  return { visible: { baseUrl, clientId, ...readWay(input, current) }, secret: { secret } };
}

/** Throws InvalidSettings if the rules changed meanwhile. */
export function openUpstreamSettings({ visible, secret }: ProviderSettings, rules: UpstreamRules): UpstreamCredentials {
  requireAllowed(new URL(String(visible.baseUrl)), rules);
  return {
    baseUrl: String(visible.baseUrl),
    clientId: String(visible.clientId),
    secret: String(secret.secret),
  };
}

/** Token endpoint and push service (docs/protocol/mobilefirst.md §1); a prefix before the runtime applies to both. */
export function endpointsOf(baseUrl: string, applicationId: string): UpstreamEndpoints {
  const parts = new URL(baseUrl).pathname.split('/').filter((part) => part !== '');
  const runtime = parts.pop() ?? DEFAULT_RUNTIME;
  const prefix = parts.map((part) => `/${part}`).join('');
  const url = (path: string): string => new URL(prefix + path, baseUrl).href;
  return {
    tokenUrl: url(`/${runtime}/api/az/v1/token`),
    messagesUrl: url(`/imfpush/v1/apps/${encodeURIComponent(applicationId)}/messages`),
  };
}

function readBaseUrl(value: unknown, rules: UpstreamRules): string {
  const url = typeof value === 'string' && value.length <= 2_048 && URL.canParse(value) ? new URL(value) : null;
  if (!url || !['http:', 'https:'].includes(url.protocol))
    throw new InvalidSettings('baseUrl', 'must be an http: or https: URL, like http://mobilefirst.internal:9080/mfp');
  if (url.username !== '' || url.password !== '')
    throw new InvalidSettings('baseUrl', 'must not contain credentials: use clientId and secret');
  if (url.search !== '' || url.hash !== '') throw new InvalidSettings('baseUrl', 'must end with the path');
  if (BELOW_BASE.test(url.pathname))
    throw new InvalidSettings('baseUrl', 'must end with the name of the runtime, without /api or /imfpush');
  requireAllowed(url, rules);
  return url.href.replace(/\/+$/, '');
}

/** A client's secret is sent to this address. */
function requireAllowed(url: URL, { hosts, production }: UpstreamRules): void {
  const refuse = (reason: string): InvalidSettings => new InvalidSettings('baseUrl', reason);
  if (hosts.length > 0 && !isListed(url, hosts)) throw refuse('must be at a host of UPSTREAM_HOSTS');
  if (hosts.length > 0 || !production) return;
  if (url.protocol === 'http:') throw refuse('must be an https: URL, unless UPSTREAM_HOSTS lists its host');
  if (leadsInside(url)) throw refuse('must be at a public address, unless UPSTREAM_HOSTS lists its host');
}

function readWay(input: Record<string, unknown>, current?: ProviderSettings): { mode: Mode; share?: number } {
  const before = current ? readRoute(current.visible) : undefined;
  const mode = MODES.find((known) => known === (input.mode ?? before?.mode ?? 'upstream'));
  if (mode === undefined) throw new InvalidSettings('mode', `must be one of ${MODES.join(', ')}`);
  if (mode !== 'both') {
    if (input.share !== undefined) throw new InvalidSettings('share', 'belongs to mode both');
    return { mode };
  }
  const share = input.share ?? (before?.mode === 'both' ? before.share : undefined);
  if (typeof share !== 'number' || !Number.isInteger(share) || share < 0 || share > 100)
    throw new InvalidSettings('share', 'must be the per cent of users whose messages go direct, 0 to 100');
  return { mode, share };
}
