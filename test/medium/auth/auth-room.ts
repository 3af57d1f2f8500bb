import { AccessTokens } from '../../../src/auth/access-tokens.js';
import { AssertionRepository } from '../../../src/auth/assertion.repository.js';
import { AuditRepository } from '../../../src/auth/audit.repository.js';
import { ChangeFeed } from '../../../src/auth/change-feed.js';
import { ChangeRepository } from '../../../src/auth/change.repository.js';
import { ClientAssertions } from '../../../src/auth/client-assertions.js';
import { ClientAuthenticator } from '../../../src/auth/client-authenticator.js';
import { ClientSnapshot } from '../../../src/auth/client-snapshot.js';
import { ClientRepository } from '../../../src/auth/client.repository.js';
import { ClientsService } from '../../../src/auth/clients.service.js';
import { LastUsed } from '../../../src/auth/last-used.js';
import { LiveTokens } from '../../../src/auth/live-tokens.js';
import { RevokedTokenRepository } from '../../../src/auth/revoked-token.repository.js';
import { RevokedTokens } from '../../../src/auth/revoked-tokens.js';
import { SigningKeyRepository } from '../../../src/auth/signing-key.repository.js';
import { SigningKeys } from '../../../src/auth/signing-keys.js';
import { SessionRepository } from '../../../src/auth/session/session.repository.js';
import { Sessions } from '../../../src/auth/session/sessions.js';
import { TokenService } from '../../../src/auth/token.service.js';
import { Clock } from '../../../src/common/clock.js';
import { Vault } from '../../../src/common/vault.js';
import type { Config } from '../../../src/config.js';
import type { Database } from '../../../src/database/database.js';

export class SetClock extends Clock {
  constructor(public time: number) {
    super();
  }
  /** Offset of the wall clock. */
  step = 0;

  override now(): number {
    return this.time + this.step;
  }
  override elapsed(): number {
    return this.time;
  }
}

export const VAULT = new Vault(Buffer.alloc(32, 7));
export const ROOT = { clientId: 'root', address: '192.0.2.1' };
export const PUBLIC_URL = 'https://push.example';
export const FORM = 'application/x-www-form-urlencoded';

/** The authorization server's parts of one process, built by hand on a database that others share. */
export class AuthRoom {
  readonly feed: ChangeFeed;
  readonly repository: ClientRepository;
  readonly snapshot: ClientSnapshot;
  readonly keys: SigningKeys;
  readonly accessTokens: AccessTokens;
  readonly revoked: RevokedTokens;
  readonly lastUsed: LastUsed;
  readonly liveTokens: LiveTokens;
  readonly authenticator: ClientAuthenticator;
  readonly clients: ClientsService;
  readonly tokens: TokenService;
  readonly audit: AuditRepository;
  readonly sessions: Sessions;

  private constructor(
    database: Database,
    clock: Clock,
    vault: Vault,
    invalidClientStatus: 400 | 401,
    environment: Config['environment'],
  ) {
    this.feed = new ChangeFeed(new ChangeRepository(database));
    this.repository = new ClientRepository(database);
    this.snapshot = new ClientSnapshot(this.repository, this.feed);
    this.keys = new SigningKeys(new SigningKeyRepository(database), this.feed, vault, clock);
    this.accessTokens = new AccessTokens(this.keys, clock);
    this.revoked = new RevokedTokens(new RevokedTokenRepository(database), this.feed, clock);
    this.lastUsed = new LastUsed(this.repository, clock);
    this.liveTokens = new LiveTokens(this.accessTokens, this.snapshot, this.revoked, this.feed, this.lastUsed);
    const assertions = new ClientAssertions(this.snapshot, new AssertionRepository(database), clock, {
      environment,
      publicUrl: PUBLIC_URL,
      runtimeName: 'mfp',
    });
    const settings = { invalidClientStatus };
    this.authenticator = new ClientAuthenticator(this.snapshot, this.feed, this.lastUsed, assertions, clock, settings);
    this.clients = new ClientsService(database, this.repository, this.feed, clock, { environment });
    this.tokens = new TokenService(this.authenticator, this.accessTokens, this.liveTokens, this.revoked);
    this.audit = new AuditRepository(database);
    this.sessions = new Sessions(new SessionRepository(database), this.snapshot, this.feed, this.lastUsed, clock, {
      console: true,
    });
  }

  static async open(
    database: Database,
    clock: Clock,
    {
      vault = VAULT,
      invalidClientStatus = 400 as 400 | 401,
      environment = 'development' as Config['environment'],
    } = {},
  ): Promise<AuthRoom> {
    const room = new AuthRoom(database, clock, vault, invalidClientStatus, environment);
    await Promise.all([room.snapshot, room.keys, room.revoked, room.sessions].map((part) => part.onModuleInit()));
    return room;
  }

  /** Like the token endpoint. */
  async obtain(
    id: string,
    secret: string,
    scope = '*',
    address = '192.0.2.1',
    certificate: string | null = null,
  ): Promise<string> {
    const answer = await this.tokens.issueToken({
      contentType: FORM,
      authorization: basic(id, secret),
      body: new URLSearchParams({ grant_type: 'client_credentials', scope }).toString(),
      address,
      certificate,
      enter: () => undefined,
    });
    return answer.access_token;
  }

  /** Like the guard: true if the token permits the call. */
  async may(token: string, ...required: string[]): Promise<boolean> {
    return this.liveTokens.authorize(`Bearer ${token}`, required).then(
      () => true,
      () => false,
    );
  }
}

export function basic(id: string, secret: string): string {
  return `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`;
}

/** The error as `<status> <code>`; 'nothing' if there is none. */
export async function refusalOf(act: Promise<unknown>): Promise<string> {
  try {
    await act;
    return 'nothing';
  } catch (error) {
    const { status, error: oauth, code } = error as { status?: number; error?: string; code?: string };
    return `${status ?? String(error)} ${oauth ?? code}`;
  }
}
