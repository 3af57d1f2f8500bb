import { exportJWK, generateKeyPair } from 'jose';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Provider } from 'oidc-provider';

/** A person at the identity provider. `claims` are told as they are. */
export interface Account {
  isDisabled?: boolean;
  claims: Record<string, unknown>;
}

/** The names that the test's claims may have: a provider tells no others. */
const CLAIMS = ['roles', 'resource_access', 'https://example.test/roles'];

/** A real identity provider (oidc-provider), whose page asks for the name of an account. */
export class IdentityProvider {
  readonly accounts = new Map<string, Account>();
  private server: Server | undefined;
  private port = 0;
  /** Requests by path. */
  readonly asked: string[] = [];
  givesRefreshTokens = true;
  /** Claims are in the ID token, and not at the userinfo endpoint alone. */
  tellsInToken = false;

  /** `address`: of a proxy in front, and the path below which the provider is. */
  constructor(
    private readonly redirectUris: readonly string[],
    private readonly address?: string,
  ) {}

  get issuer(): string {
    return this.address ?? this.url;
  }

  get url(): string {
    return `http://localhost:${this.port}`;
  }

  /** Starts on its port of before; with keys of its own each time. */
  async start(): Promise<void> {
    const server = createServer((request, response) => void this.answer?.(request, response));
    server.listen(this.port, 'localhost');
    await once(server, 'listening');
    this.port = (server.address() as AddressInfo).port;
    this.server = server;
    this.answer = await this.makeProvider();
  }

  async stop(): Promise<void> {
    this.server?.closeAllConnections();
    this.server?.close();
    await once(this.server!, 'close');
    this.server = undefined;
  }

  private answer: ((request: IncomingMessage, response: ServerResponse) => Promise<void>) | undefined;

  private async makeProvider(): Promise<NonNullable<IdentityProvider['answer']>> {
    const { privateKey } = await generateKeyPair('RS256', { extractable: true });
    const provider = new Provider(this.issuer, {
      clients: [
        {
          client_id: 'carillon',
          client_secret: 'hush',
          redirect_uris: [...this.redirectUris],
          grant_types: ['authorization_code', 'refresh_token'],
        },
      ],
      issueRefreshToken: () => this.givesRefreshTokens,
      conformIdTokenClaims: false,
      jwks: { keys: [{ ...(await exportJWK(privateKey)), alg: 'RS256', use: 'sig', kid: crypto.randomUUID() }] },
      cookies: { keys: ['for tests'] },
      pkce: { required: () => true },
      features: { devInteractions: { enabled: false } },
      interactions: { url: (_ctx, { uid }) => `/interaction/${uid}` },
      claims: { openid: ['sub', ...CLAIMS], email: ['email'], profile: ['name'] },
      findAccount: (_ctx, id) => {
        const account = this.accounts.get(id);
        return account && !account.isDisabled
          ? {
              accountId: id,
              claims: (use) => ({ sub: id, ...((use === 'userinfo' || this.tellsInToken) && account.claims) }),
            }
          : undefined;
      },
      // No page that asks for consent.
      loadExistingGrant: async (ctx) => {
        const { client, session } = ctx.oidc;
        const known = session!.grantIdFor(client!.clientId);
        if (known) return ctx.oidc.provider.Grant.find(known);
        const grant = new ctx.oidc.provider.Grant({ clientId: client!.clientId, accountId: session!.accountId });
        grant.addOIDCScope('openid email profile');
        await grant.save();
        return grant;
      },
    });
    provider.proxy = this.address !== undefined;
    const callback = provider.callback();
    const mount = new URL(this.issuer).pathname.replace(/\/$/, '');
    return async (request, response) => {
      this.asked.push(request.url?.split('?')[0] ?? '');
      // As a framework tells of the path that a provider is below.
      if (mount !== '' && request.url?.startsWith(`${mount}/`))
        Object.assign(request, { originalUrl: request.url, url: request.url.slice(mount.length) });
      if (!request.url?.startsWith('/interaction/')) return callback(request, response);
      if (request.method === 'GET')
        return void response
          .setHeader('content-type', 'text/html')
          .end('<form method="post"><input name="account"><button>Sign in</button></form>');
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const id = new URLSearchParams(Buffer.concat(chunks).toString()).get('account') ?? '';
      const account = this.accounts.get(id);
      await provider.interactionFinished(
        request,
        response,
        account && !account.isDisabled ? { login: { accountId: id } } : { error: 'access_denied' },
      );
    };
  }
}
