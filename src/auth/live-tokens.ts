import { Injectable } from '@nestjs/common';
import { ApiError } from '../common/errors.js';
import { AccessTokens } from './access-tokens.js';
import type { AccessToken } from './access-tokens.js';
import { deadToken, insufficientScope, otherCertificate, parseBearer } from './bearer.js';
import { ChangeFeed } from './change-feed.js';
import { ClientSnapshot } from './client-snapshot.js';
import type { KnownClient } from './client-snapshot.js';
import { LastUsed } from './last-used.js';
import { RevokedTokens } from './revoked-tokens.js';
import { DEFAULT_SCOPE, covers } from './scope.js';

/** A valid token with its client. */
export interface LiveToken extends AccessToken {
  client: KnownClient;
}

/**
 * Checks tokens against the current state: revoked, client disabled, deleted or with less allowed scope. All in memory.
 */
@Injectable()
export class LiveTokens {
  constructor(
    private readonly accessTokens: AccessTokens,
    private readonly clients: ClientSnapshot,
    private readonly revoked: RevokedTokens,
    private readonly feed: ChangeFeed,
    private readonly lastUsed: LastUsed,
  ) {}

  /** Null for every invalid or unknown token. */
  async find(token: string): Promise<LiveToken | null> {
    const read = await this.accessTokens.read(token);
    if (!read) return null;
    return this.hold(read) ?? (await this.lookAgain(() => this.hold(read)));
  }

  /**
   * The token of a Bearer header that covers all required elements. `certificate`: the thumbprint of that which the
   * caller showed. Throws CARIL0401E and CARIL0403E.
   */
  async authorize(
    header: string | undefined,
    required: readonly string[],
    certificate: string | null = null,
  ): Promise<LiveToken> {
    const token = await this.find(parseBearer(header));
    if (!token) throw deadToken();
    if (token.certificate !== undefined && token.certificate !== certificate) throw otherCertificate();
    if (!covers(token.scope, required)) throw insufficientScope(required);
    // The allowed scope may have been reduced since the token was issued, or extended a moment ago in another process,
    // which issued this token.
    const isAllowed = ({ client }: LiveToken) => covers([DEFAULT_SCOPE, ...client.allowed], required);
    if (!isAllowed(token)) {
      const later = await this.lookAgain(() => this.hold(token));
      if (!later || !isAllowed(later)) throw insufficientScope(required);
    }
    this.lastUsed.noteClient(token.clientId);
    return token;
  }

  /** Like `authorize`, if one of several lists of elements is enough; a refusal names the first list. */
  async authorizeAny(
    header: string | undefined,
    [way = [], ...others]: readonly string[][],
    certificate: string | null,
  ): Promise<LiveToken> {
    try {
      return await this.authorize(header, way, certificate);
    } catch (error) {
      if (others.length === 0 || !(error instanceof ApiError && error.code === 'CARIL0403E')) throw error;
      return this.authorizeAny(header, others, certificate).catch(() => Promise.reject(error));
    }
  }

  /** Refreshes before a refusal: this process may not have seen a recent change. */
  private async lookAgain(find: () => LiveToken | null): Promise<LiveToken | null> {
    await this.feed.refresh();
    return find();
  }

  private hold(token: AccessToken): LiveToken | null {
    const client = this.clients.find(token.clientId);
    const holds = client?.enabled && client.generation === token.generation && !this.revoked.has(token.jti);
    const isBound = token.certificate !== undefined || !client?.certificateBound;
    return holds && isBound ? { ...token, client } : null;
  }
}
