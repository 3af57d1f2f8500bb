import { Injectable, Logger } from '@nestjs/common';
import type { BeforeApplicationShutdown } from '@nestjs/common';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { AuditRepository } from '../auth/audit.repository.js';
import type { Actor, AuditOutcome, AuditedAct } from '../auth/audit.repository.js';
import { parseBasic } from '../auth/basic.js';
import { ClientSnapshot } from '../auth/client-snapshot.js';
import { notedActOf } from '../auth/noted-act.js';
import type { RefusedRequest } from '../auth/noted-act.js';
import type { AuthorizedRequest } from '../auth/scope.guard.js';
import { HOUR_MS, MINUTE_MS } from '../common/durations.js';
import { rootCause } from '../common/errors.js';
import { NDJSON } from '../common/line-answer.js';
import { networkOf } from '../common/ip.js';
import { MAX_KINDS, Repeats } from '../common/repeats.js';
import { callerRequestOf } from '../http/callers.js';
import { documentPath } from '../http/document-path.js';
import { ACTS } from './acts.js';
import type { Act } from './acts.js';

/** A caller that did not authenticate; no client's id has a colon. */
const UNKNOWN = 'caller:unknown';
/** Answers that say that the caller may not do this now; 400 and 404 are mistakes. */
const REFUSALS = new Set([401, 403, 409, 412]);
/** Parameters of a path that name a thing of an administrator; ids of devices and users are personal data. */
const NAMED = new Set(['campaignId', 'messageId', 'provider', 'name', 'tagName']);
const INVALID_CLIENT = '{"error":"invalid_client"';

type ActRequest = AuthorizedRequest & RefusedRequest;

/**
 * Records acts and refusals before their answers go out, as src/audit/acts.ts lists them. If the database does not take
 * the event of an act, the log has what it may have of it.
 */
@Injectable()
export class AuditTrail implements BeforeApplicationShutdown {
  private readonly log = new Logger('Audit');
  private readonly refusals = new Repeats(MINUTE_MS);
  private readonly readings = new Repeats(HOUR_MS);
  private readonly writing = new Set<Promise<void>>();

  constructor(
    private readonly events: AuditRepository,
    private readonly clients: ClientSnapshot,
  ) {}

  /** Call before the routes are created; a route that is not listed costs nothing. */
  watch(fastify: FastifyInstance): void {
    fastify.addHook('onRoute', (route) => {
      const act = ACTS[`${String(route.method)} ${documentPath(route.url)}`];
      if (!act) return;
      route.onSend = (request, reply, payload, done) => {
        const event = this.eventOf(act, request as ActRequest, reply, payload);
        if (!event) return done(null, payload);
        void this.write(event.actor, event).then(() => done(null, payload));
      };
    });
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.refusals.closeAll();
    this.readings.closeAll();
    await Promise.all(this.writing);
  }

  private eventOf(
    act: Act,
    request: ActRequest,
    reply: FastifyReply,
    payload: unknown,
  ): (AuditedAct & { actor: Actor }) | null {
    const { statusCode: status } = reply;
    const isBadSignIn = act.action === 'sign_in' && typeof payload === 'string' && payload.startsWith(INVALID_CLIENT);
    const outcome = REFUSALS.has(status) || isBadSignIn ? 'refused' : status >= 500 ? 'failed' : 'done';
    const noted = notedActOf(request);
    if (outcome === 'done') return status < 400 ? this.doneEvent(act, request, reply, payload) : null;
    if (act.done === 'lines' || (act.done === 'noted' && !noted)) return null;
    const event = this.newEvent(act.action, request, outcome, { status });
    return this.isFirst(this.refusals, 60, event, String(status)) ? event : null;
  }

  private doneEvent(act: Act, request: ActRequest, reply: FastifyReply, payload: unknown) {
    const noted = notedActOf(request);
    const isLines = String(reply.getHeader('content-type')).includes(NDJSON);
    if (act.done === 'none' || (act.done === 'noted' && !noted) || (act.done === 'lines' && !isLines)) return null;
    if (act.done === 'hourly') {
      const event = this.newEvent(isLines ? 'audit.export' : act.action, request, 'done', {});
      return isLines || this.isFirst(this.readings, 3_600, event, '') ? event : null;
    }
    const made = act.made && typeof payload === 'string' ? madeOf(payload, act.made) : {};
    return this.newEvent(act.action, request, noted?.outcome ?? 'done', { ...made, ...noted?.detail });
  }

  private newEvent(
    action: string,
    request: ActRequest,
    outcome: AuditOutcome,
    detail: Record<string, unknown>,
  ): AuditedAct & { actor: Actor } {
    const parameters = (request.params ?? {}) as Record<string, string>;
    const body = (request.body ?? {}) as { applicationId?: unknown; id?: unknown };
    const named = Object.entries(parameters).filter(([name]) => NAMED.has(name));
    const subject = parameters.applicationId ?? parameters.clientId ?? body.applicationId ?? body.id;
    return {
      actor: this.actorOf(request),
      action,
      outcome,
      subject: typeof subject === 'string' ? subject.slice(0, 255) : '',
      detail: { ...Object.fromEntries(named), ...detail },
    };
  }

  /** With a wrong secret: the named client, if there is one. An unknown id may be a secret in the wrong field. */
  private actorOf(request: ActRequest): Actor {
    const { clientId, person } = request.authorized ?? request.refused ?? {};
    const claimed = parseBasic(request.headers.authorization).map(({ id }) => id);
    const inForm = (request.body as { clientId?: unknown } | null | undefined)?.clientId;
    const known = [...claimed, ...(typeof inForm === 'string' ? [inForm] : [])].find((id) => this.clients.find(id));
    return { clientId: clientId ?? known ?? UNKNOWN, ...callerRequestOf(request), ...(person && { person }) };
  }

  private isFirst(repeats: Repeats, seconds: number, event: AuditedAct & { actor: Actor }, more: string): boolean {
    const { actor, action, subject } = event;
    const own = [action, subject, actor.clientId, networkOf(actor.address), more].join('\n');
    const kind = repeats.has(own) || repeats.size < MAX_KINDS ? own : '';
    const { requestId: _first, ...caller } = actor;
    return repeats.isFirst(kind, (count) => {
      void this.write(caller, { ...event, detail: { ...event.detail, more: count, seconds } });
    });
  }

  private async write(actor: Actor, { action, subject, outcome, detail }: AuditedAct): Promise<void> {
    const written = this.events.record(actor, { action, subject, outcome, detail }).catch((error: unknown) => {
      // Without what may be of a person: name, address, and the values before and after.
      const { clientId, person, requestId } = actor;
      const event = JSON.stringify({ action, subject, outcome, ...(!person && { clientId }), requestId });
      this.log.error(`An event could not be stored (${rootCause(error)}): ${event}`);
    });
    this.writing.add(written);
    await written.finally(() => this.writing.delete(written));
  }
}

/** `{}` if the answer has no such member. */
function madeOf(payload: string, member: string): Record<string, unknown> {
  const value = (JSON.parse(payload) as Record<string, unknown>)[member];
  return value === undefined ? {} : { [member]: value };
}
