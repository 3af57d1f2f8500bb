import { Inject, Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { ApplicationsService } from '../applications/applications.service.js';
import { ClientSnapshot } from '../auth/client-snapshot.js';
import { PREDEFINED_CLIENTS } from '../auth/predefined-clients.js';
import { covers } from '../auth/scope.js';
import { idleEndOf } from '../auth/session/session.js';
import type { LiveSession } from '../auth/session/sessions.js';
import { Clock } from '../common/clock.js';
import { CONFIG } from '../common/tokens.js';
import type { Config } from '../config.js';
import { Origins } from '../http/origin.js';
import { VERSION } from '../version.js';
import { findProblem } from './cookie-problem.js';
import type { Problem } from './cookie-problem.js';
import { describeEnvironment } from './environment.js';
import type { Environment } from './environment.js';
import { IdentityProvider } from './people/identity-provider.js';

/** Applications in an answer; a client of more finds the others by their id. */
const MAX_APPLICATIONS = 1_000;

/** For the page before anybody has signed in. */
export interface StartAnswer {
  environment: Environment;
  development: boolean;
  /** The client to sign in with by one click. Null: production, or the client was removed. */
  sampleClient: { id: string; secret: string } | null;
  /** Null: people cannot sign in, because OIDC_ISSUER is not set. */
  people: { label: string } | null;
  canKeepCookie: boolean;
  problem: Problem | null;
  serverTime: string;
  version: string;
  /** A part of the paths of administration. */
  runtimeName: string;
}

export interface SessionAnswer {
  kind: 'client' | 'person';
  id: string;
  name: string;
  email: string | null;
  /** All scope elements. A call needs one list of `grants` that covers it whole. */
  scope: string[];
  grants: readonly (readonly string[])[];
  /** The applications that exist and may be used. Null: all. */
  applications: string[] | null;
  idleEndsAt: string;
  endsAt: string;
  serverTime: string;
}

@Injectable()
export class SessionAnswers {
  constructor(
    @Inject(CONFIG)
    private readonly config: Pick<Config, 'environment' | 'environmentName' | 'hasSamples' | 'runtimeName'>,
    private readonly applications: ApplicationsService,
    private readonly clients: ClientSnapshot,
    private readonly provider: IdentityProvider,
    private readonly origins: Origins,
    private readonly clock: Clock,
  ) {}

  start(request: FastifyRequest): StartAnswer {
    const { environment, environmentName, hasSamples, runtimeName } = this.config;
    const problem = this.problemOf(request);
    const { label } = this.provider;
    const [sample] = hasSamples ? PREDEFINED_CLIENTS : [];
    return {
      environment: describeEnvironment(environmentName),
      development: environment === 'development',
      sampleClient: sample && this.clients.find(sample.id)?.enabled ? { id: sample.id, secret: sample.secret } : null,
      people: label === null ? null : { label },
      canKeepCookie: problem === null,
      problem,
      ...this.now(),
      version: VERSION,
      runtimeName,
    };
  }

  problemOf(request: FastifyRequest): Problem | null {
    return findProblem(request, this.origins.of(request), this.origins.isFromProxy(request));
  }

  async session(session: LiveSession): Promise<SessionAnswer> {
    const { person, grants, endsAt } = session;
    return {
      kind: person ? 'person' : 'client',
      id: person?.subject ?? session.clientId,
      name: session.name,
      email: person?.email ?? null,
      scope: [...new Set(grants.flat())],
      grants,
      applications: await this.applicationsOf(grants),
      idleEndsAt: new Date(idleEndOf(session)).toISOString(),
      endsAt: new Date(endsAt).toISOString(),
      ...this.now(),
    };
  }

  private async applicationsOf(grants: LiveSession['grants']): Promise<string[] | null> {
    const may = (id: string): boolean => grants.some((grant) => covers(grant, [`push.application.${id}`]));
    if (may('*')) return null;
    const { rows } = await this.applications.listApplications([], { offset: 0, size: MAX_APPLICATIONS });
    return rows.map(({ id }) => id).filter(may);
  }

  private now(): { serverTime: string } {
    return { serverTime: new Date(this.clock.now()).toISOString() };
  }
}
