import { Body, Controller, Delete, Get, Header, HttpCode, Post, Req, Res } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { inApiWords } from '../auth/admin.guard.js';
import { ClientAuthenticator } from '../auth/client-authenticator.js';
import type { KnownClient } from '../auth/client-snapshot.js';
import { SESSION_CHALLENGE, SessionGuard } from '../auth/session/session-guard.js';
import { Sessions } from '../auth/session/sessions.js';
import { isTicketPath, linkOf } from '../auth/session/ticket.js';
import { StrictBodyPipe } from '../common/body.js';
import { ApiError, OAuthError, invalidValue } from '../common/errors.js';
import { callerRequestOf } from '../http/callers.js';
import { Door } from '../limits/door.js';
import { SessionAnswers } from './session-answers.js';
import type { SessionAnswer, StartAnswer } from './session-answers.js';
import { SessionCookies } from './session-cookies.js';
import { SignInDto, TicketDto } from './session.dto.js';

/** The console's sessions. A script needs none of them, because a script has a token. */
@ApiExcludeController()
@Controller('console/api')
export class SessionController {
  constructor(
    private readonly authenticator: ClientAuthenticator,
    private readonly sessions: Sessions,
    private readonly guard: SessionGuard,
    private readonly cookies: SessionCookies,
    private readonly answers: SessionAnswers,
    private readonly door: Door,
  ) {}

  @Get('start')
  start(@Req() request: FastifyRequest): StartAnswer {
    return this.answers.start(request);
  }

  @Post('session')
  async signIn(
    @Body(new StrictBodyPipe(SignInDto)) { clientId, clientSecret }: SignInDto,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<SessionAnswer> {
    this.guard.refuseForged(request);
    const problem = this.answers.problemOf(request);
    if (problem) throw new ApiError('CARIL0409E', problem.message);
    const caller = callerRequestOf(request);
    const client = await this.authenticate(clientId, clientSecret, caller.address);
    this.door.enter(reply, client, undefined);
    // The value changes at sign-in: whatever the browser had before is over.
    await this.cookies.endCurrent(request);
    const value = await this.sessions.beginClient(client, caller);
    void reply.header('set-cookie', this.cookies.text('session', request, value));
    const session = await this.sessions.find(value, false);
    if (!session) throw new ApiError('CARIL0401E', 'The client was disabled or changed at this moment.');
    return this.answers.session(session);
  }

  @Get('session')
  @Header('cache-control', 'no-store')
  async read(@Req() request: FastifyRequest): Promise<SessionAnswer> {
    return this.answers.session(await this.guard.require(request));
  }

  @Delete('session')
  @HttpCode(204)
  async signOut(@Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply): Promise<void> {
    this.guard.refuseForged(request);
    await this.cookies.endCurrent(request);
    void reply.header('set-cookie', this.cookies.text('session', request, '', 0));
  }

  @Post('tickets')
  async makeTicket(
    @Body(new StrictBodyPipe(TicketDto)) { path }: TicketDto,
    @Req() request: FastifyRequest,
  ): Promise<{ href: string }> {
    const session = await this.guard.require(request);
    if (!isTicketPath(path))
      throw invalidValue('path', 'it must be the path of a call below /imfpush/v1/ or /mfpadmin/, encoded');
    return { href: linkOf(await this.sessions.makeTicket(session, path), path) };
  }

  /** The authenticator and the throttle of the token endpoint. */
  private async authenticate(id: string, secret: string, address: string): Promise<KnownClient> {
    try {
      return await this.authenticator.authenticate(
        `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`,
        address,
      );
    } catch (error) {
      throw error instanceof OAuthError ? inApiWords(error, SESSION_CHALLENGE) : error;
    }
  }
}
