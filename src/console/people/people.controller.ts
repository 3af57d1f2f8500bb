import { Controller, Get, Logger, Query, Req, Res } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { noteAct } from '../../auth/noted-act.js';
import { cookieName, readCookie } from '../../auth/session/session-cookie.js';
import { hashOf, newId } from '../../auth/session/session.js';
import { Sessions } from '../../auth/session/sessions.js';
import { Clock } from '../../common/clock.js';
import { ApiError } from '../../common/errors.js';
import { callerRequestOf } from '../../http/callers.js';
import { Origins, textOf } from '../../http/origin.js';
import { SessionAnswers } from '../session-answers.js';
import { SessionCookies } from '../session-cookies.js';
import { destinationOf } from './destination.js';
import { SECRET_S, beginFlow, destinationOfState, resumeFlow } from './flow.js';
import { IdentityProvider, SignInError, describe } from './identity-provider.js';
import type { SignInProblem } from './identity-provider.js';

const CALLBACK = '/console/api/people/callback';

/** The sign-in of people by OpenID Connect: the browser goes to the identity provider and comes back. */
@ApiExcludeController()
@Controller('console/api/people')
export class PeopleController {
  private readonly log = new Logger('People');

  constructor(
    private readonly provider: IdentityProvider,
    private readonly sessions: Sessions,
    private readonly cookies: SessionCookies,
    private readonly answers: SessionAnswers,
    private readonly origins: Origins,
    private readonly clock: Clock,
  ) {}

  @Get('sign-in')
  async begin(@Query('to') to: unknown, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    this.refuseWithoutPeople();
    const destination = destinationOf(typeof to === 'string' ? to : undefined);
    // The answer comes by a link of another site, with which the browser does not send the session's cookie: the
    // session before ends here.
    await this.cookies.endCurrent(request);
    if (this.answers.problemOf(request)) return leave(reply, signInPage(destination));
    const secret = this.secretOf(request) ?? newId();
    const flow = beginFlow(secret, destination, this.clock.now(), newId());
    try {
      const address = await this.provider.signInAddress(flow, this.callbackOf(request));
      void reply.header('set-cookie', this.cookies.text('sign-in', request, secret, SECRET_S));
      leave(reply, address);
    } catch (error) {
      leave(reply, signInPage(destination, problemOf(error)));
    }
  }

  @Get('callback')
  async end(@Query('state') given: unknown, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    this.refuseWithoutPeople();
    const state = typeof given === 'string' ? given : '';
    const flow = resumeFlow(this.secretOf(request), state, this.clock.now());
    if (!flow) return leave(reply, signInPage(destinationOfState(state), 'signInExpired'));
    // The same address again, by the back button or a reload: a provider that sees a code twice takes everything back.
    if (await this.cookies.hasPerson(request)) return leave(reply, flow.to);
    try {
      const { search } = new URL(request.url, 'http://console.invalid');
      const { person, news } = await this.provider.readAnswer(flow, new URL(`${this.callbackOf(request)}${search}`));
      const value = await this.sessions.beginPerson(person, news, callerRequestOf(request));
      void reply.header('set-cookie', this.cookies.text('session', request, value));
      leave(reply, flow.to);
    } catch (error) {
      if (!(error instanceof SignInError)) throw error;
      noteAct(request, { outcome: 'refused', detail: { by: 'OpenID Connect', problem: error.problem } });
      if (error.problem === 'failed') this.log.warn(`A sign-in failed: ${describe(error.cause)}`);
      leave(reply, signInPage(flow.to, error.problem));
    }
  }

  private refuseWithoutPeople(): void {
    if (this.provider.label === null) throw new ApiError('FPWSE0001E', 'Not found: OIDC_ISSUER is not set.');
  }

  private callbackOf(request: FastifyRequest): string {
    return `${textOf(this.origins.of(request))}${CALLBACK}`;
  }

  /** Undefined: the browser has no sign-in under way. */
  private secretOf(request: FastifyRequest): string | undefined {
    const name = cookieName('sign-in', this.sessions.installationId, this.origins.of(request));
    const value = readCookie(request.headers.cookie, name);
    return value !== undefined && hashOf(value) !== null ? value : undefined;
  }
}

function problemOf(error: unknown): SignInProblem {
  if (error instanceof SignInError) return error.problem;
  throw error;
}

/** Shows the page to sign in; with a session, the console goes on to the destination. */
function signInPage(to: string, problem?: SignInProblem): string {
  const query = new URLSearchParams({ to, ...(problem && { problem }) });
  return `/console/sign-in?${query.toString()}`;
}

function leave(reply: FastifyReply, address: string): void {
  void reply.status(302).header('location', address).send();
}
