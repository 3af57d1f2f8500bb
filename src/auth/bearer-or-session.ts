import { Injectable } from '@nestjs/common';
import { ApiError } from '../common/errors.js';
import { ClientCertificates } from '../http/client-certificate.js';
import { parseBearer } from './bearer.js';
import type { ClientLimits } from './client.js';
import { LiveTokens } from './live-tokens.js';
import type { RefusedRequest } from './noted-act.js';
import { SessionGuard } from './session/session-guard.js';
import type { Person, Session } from './session/session.js';

/** The caller of an authorised request: a client by its token, or a session of the console. */
export interface AuthorizedCaller {
  clientId: string;
  client: ClientLimits & { id: string };
  /** Null and undefined: a client. */
  person?: Person | null;
  grants?: Session['grants'];
}

@Injectable()
export class BearerOrSession {
  constructor(
    private readonly tokens: LiveTokens,
    private readonly sessions: SessionGuard,
    private readonly certificates: ClientCertificates,
  ) {}

  /** One of the lists of elements has to be covered; a refusal names the first. Throws CARIL0401E and CARIL0403E. */
  async authorize(request: RefusedRequest, ways: readonly string[][]): Promise<AuthorizedCaller> {
    const { authorization } = request.headers;
    if (authorization === undefined && SessionGuard.isMeant(request)) return this.sessions.authorize(request, ways);
    try {
      return await this.tokens.authorizeAny(authorization, ways, this.certificates.of(request));
    } catch (error) {
      if (error instanceof ApiError && error.code === 'CARIL0403E')
        request.refused = (await this.tokens.find(parseBearer(authorization))) ?? undefined;
      throw error;
    }
  }
}
