import { Inject, Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { SessionGuard } from '../auth/session/session-guard.js';
import { cookieName, cookieText } from '../auth/session/session-cookie.js';
import { Sessions } from '../auth/session/sessions.js';
import { CONFIG } from '../common/tokens.js';
import type { Config } from '../config.js';
import { callerRequestOf } from '../http/callers.js';
import { Origins } from '../http/origin.js';

/** Begins and ends what the browser keeps. */
@Injectable()
export class SessionCookies {
  constructor(
    private readonly sessions: Sessions,
    private readonly guard: SessionGuard,
    private readonly origins: Origins,
    @Inject(CONFIG) private readonly config: Pick<Config, 'environment'>,
  ) {}

  /** The header that sets a cookie. */
  text(what: 'session' | 'sign-in', request: FastifyRequest, value: string, seconds?: number): string {
    const origin = this.origins.of(request);
    const isSecure = origin.scheme === 'https' || this.config.environment === 'production';
    return cookieText(what, [cookieName(what, this.sessions.installationId, origin), value], { isSecure, seconds });
  }

  /** Whether a person is signed in already. */
  async hasPerson(request: FastifyRequest): Promise<boolean> {
    const session = await this.sessions.find(this.guard.cookieOf(request), false);
    return Boolean(session?.person);
  }

  /** Ends the session of the request, if it has one. */
  async endCurrent(request: FastifyRequest): Promise<void> {
    const session = await this.sessions.find(this.guard.cookieOf(request), false);
    if (!session) return;
    const { clientId, person } = session;
    await this.sessions.end({ clientId, ...callerRequestOf(request), ...(person && { person }) }, session);
  }
}
