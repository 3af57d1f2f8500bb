import { randomBytes } from 'node:crypto';
import { json } from '../shared/client-credentials.js';
import type { Judgement, ReceivedRequest } from '../shared/provider.js';
import type { TokenSettings } from '../shared/settings.js';

/** A confidential client as in MobileFirst's console. */
export interface ConfidentialClient {
  clientId: string;
  secret: string;
  /** Elements in which `*` matches any sequence of characters; absent: `*`. */
  allowedScope?: string;
}

/** The token endpoint (docs/protocol/mobilefirst.md §2): Basic credentials, answered with an opaque token. */
export class ConfidentialClients {
  issued = 0;
  private readonly clients = new Map<string, ConfidentialClient>();
  private readonly tokens = new Map<string, { scope: string; expiresAt: number }>();

  constructor(private readonly settings: TokenSettings) {}

  register(client: ConfidentialClient): void {
    this.clients.set(client.clientId, client);
  }

  expireAll(): number {
    const expired = this.tokens.size;
    this.tokens.clear();
    return expired;
  }

  /** The granted scope of a bearer token; undefined if the token is unknown or expired. */
  scopeOf(token: string, now: number): string | undefined {
    const held = this.tokens.get(token);
    return held !== undefined && held.expiresAt > now ? held.scope : undefined;
  }

  exchange({ headers, body }: ReceivedRequest): Judgement {
    if (!String(headers['content-type']).startsWith('application/x-www-form-urlencoded'))
      return refuse('invalid_request');
    const form = new URLSearchParams(body.toString('utf8'));
    if (form.get('grant_type') !== 'client_credentials') return refuse('unsupported_grant_type');
    const basic = Buffer.from(/^Basic (.+)$/.exec(headers.authorization ?? '')?.[1] ?? '', 'base64').toString();
    const colon = basic.indexOf(':');
    const client = this.clients.get(basic.slice(0, Math.max(colon, 0)));
    if (!client || client.secret !== basic.slice(colon + 1)) return refuse('invalid_client');
    const scope = form.get('scope') ?? 'RegisteredClient';
    if (!scope.split(' ').every((element) => covers(client.allowedScope ?? '*', element)))
      return refuse('invalid_scope');
    const token = randomBytes(48).toString('base64url');
    const { tokenLifeSeconds } = this.settings;
    this.tokens.set(token, { scope, expiresAt: Date.now() + tokenLifeSeconds * 1000 });
    this.issued += 1;
    const answer = json(200, { access_token: token, token_type: 'Bearer', expires_in: tokenLifeSeconds, scope });
    return { kind: 'served', answer, reason: 'token issued' };
  }
}

/** Whether one of the elements covers the wanted one (docs/protocol/mobilefirst.md §3). */
export function covers(scope: string, wanted: string): boolean {
  return scope.split(' ').some((element) => {
    const parts = element.split('*').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
    return new RegExp(`^${parts.join('.*')}$`).test(wanted);
  });
}

function refuse(error: string): Judgement {
  return { kind: 'refuse', answer: json(400, { error }), reason: error, token: '' };
}
