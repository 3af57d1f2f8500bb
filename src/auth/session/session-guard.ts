import { Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { ApiError } from '../../common/errors.js';
import { Origins } from '../../http/origin.js';
import type { RefusedRequest } from '../noted-act.js';
import { insufficientScope, unauthorized } from '../bearer.js';
import { covers } from '../scope.js';
import { cookieName, readCookie } from './session-cookie.js';
import { CONSOLE_HEADER, REFRESH_HEADER, isOwnPage } from './own-page.js';
import { Sessions } from './sessions.js';
import type { LiveSession } from './sessions.js';
import { TICKET_HEADER } from './ticket.js';

/** Not `Basic`: a browser would ask for a password by itself. */
export const SESSION_CHALLENGE = 'Carillon-Session';

/** Reads the session of a request, by its cookie or by a ticket. */
@Injectable()
export class SessionGuard {
  constructor(
    private readonly sessions: Sessions,
    private readonly origins: Origins,
  ) {}

  /** Whether the request means its session; a cookie alone does not count. */
  static isMeant({ headers }: Pick<FastifyRequest, 'headers'>): boolean {
    return headers[CONSOLE_HEADER] !== undefined || headers[TICKET_HEADER] !== undefined;
  }

  /** The session, if it covers one of the lists of elements. Throws CARIL0401E and CARIL0403E. */
  async authorize(request: RefusedRequest, ways: readonly (readonly string[])[]): Promise<LiveSession> {
    const session = await this.require(request);
    const isCovered = ways.some((required) => session.grants.some((grant) => covers(grant, required)));
    if (!isCovered) {
      request.refused = session;
      throw insufficientScope(ways[0] ?? []);
    }
    return session;
  }

  /** Throws CARIL0401E, and CARIL0403E for a request of another site. */
  async require(request: FastifyRequest): Promise<LiveSession> {
    const session = await this.find(request);
    if (!session) throw noSession();
    return session;
  }

  private async find(request: FastifyRequest): Promise<LiveSession | null> {
    const { headers, method } = request;
    const ticket = headers[TICKET_HEADER];
    if (typeof ticket === 'string') return method === 'GET' ? this.sessions.useTicket(ticket, request.url) : null;
    this.refuseForged(request);
    return this.sessions.find(this.cookieOf(request), headers[REFRESH_HEADER] === undefined);
  }

  /** Throws CARIL0403E. */
  refuseForged(request: FastifyRequest): void {
    const own = this.origins.of(request);
    if (isOwnPage(request, own)) return;
    throw new ApiError(
      'CARIL0403E',
      `This call needs the header Carillon-Console: 1 and a page of ${own.scheme}://${own.host}. Behind a proxy, TRUST_PROXY must name it.`,
    );
  }

  cookieOf(request: FastifyRequest): string | undefined {
    return readCookie(
      request.headers.cookie,
      cookieName('session', this.sessions.installationId, this.origins.of(request)),
    );
  }
}

function noSession(): ApiError {
  return unauthorized(SESSION_CHALLENGE, 'There is no session, or it is over: sign in.');
}
