import { randomBytes } from 'node:crypto';
import type { Answer, Judgement, ReceivedRequest } from './provider.js';
import type { TokenSettings } from './settings.js';

/** A registered confidential client. */
export interface RegisteredClient {
  clientId: string;
  clientSecret: string;
  /** The only scope it may request; absent if the endpoint has no scopes. */
  scope?: string;
}

/** A token endpoint of RFC 6749 §4.4: accepts id and secret and returns an opaque bearer token. */
export class ClientCredentials {
  issued = 0;
  private readonly clients = new Map<string, RegisteredClient>();
  private readonly tokens = new Map<string, { clientId: string; expiresAt: number }>();

  /** @param refusal status of `invalid_client`: 400 for Microsoft's older endpoint, 401 for Entra. */
  constructor(
    private readonly settings: TokenSettings,
    private readonly refusal: number,
  ) {}

  register(client: RegisteredClient): void {
    this.clients.set(client.clientId, client);
  }

  expireAll(): number {
    const expired = this.tokens.size;
    this.tokens.clear();
    return expired;
  }

  /** The client of a bearer token; undefined if the token is unknown or expired. */
  clientOf(token: string, now: number): string | undefined {
    const held = this.tokens.get(token);
    return held !== undefined && held.expiresAt > now ? held.clientId : undefined;
  }

  exchange(request: ReceivedRequest): Judgement {
    if (!String(request.headers['content-type']).startsWith('application/x-www-form-urlencoded')) {
      return refuse(400, 'invalid_request');
    }
    const form = new URLSearchParams(request.body.toString('utf8'));
    if (form.get('grant_type') !== 'client_credentials') return refuse(400, 'unsupported_grant_type');
    const client = this.clients.get(form.get('client_id') ?? '');
    if (!client || client.clientSecret !== form.get('client_secret')) return refuse(this.refusal, 'invalid_client');
    if (client.scope !== undefined && client.scope !== form.get('scope')) return refuse(400, 'invalid_scope');
    const token = randomBytes(48).toString('base64url');
    const { tokenLifeSeconds } = this.settings;
    this.tokens.set(token, { clientId: client.clientId, expiresAt: Date.now() + tokenLifeSeconds * 1000 });
    this.issued += 1;
    const body = { token_type: 'bearer', access_token: token, expires_in: tokenLifeSeconds };
    return { kind: 'served', answer: json(200, body), reason: 'token issued' };
  }
}

export function bearerOf(request: ReceivedRequest): string | undefined {
  return /^bearer (.+)$/i.exec(request.headers.authorization ?? '')?.[1];
}

export function json(status: number, body: unknown): Answer {
  return { status, headers: { 'content-type': 'application/json; charset=utf-8' }, body: JSON.stringify(body) };
}

function refuse(status: number, error: string): Judgement {
  const answer = json(status, { error, error_description: `refused: ${error}` });
  return { kind: 'refuse', answer, reason: error, token: '' };
}
