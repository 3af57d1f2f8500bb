import { Inject, Injectable } from '@nestjs/common';
import type { FoundApplication } from '../../applications/application.repository.js';
import { ApplicationsService, checkMaySend } from '../../applications/applications.service.js';
import { Clock } from '../../common/clock.js';
import { invalidValue } from '../../common/errors.js';
import { noteShortRequest } from '../../common/turn.js';
import type { NewBatch } from '../../delivery/batching.js';
import { Quotas } from '../../limits/quotas.js';
import { PROVIDERS } from '../../providers/providers.module.js';
import type { Providers } from '../../providers/providers.module.js';
import { ApprovalsService } from './approvals.service.js';
import { AudienceService } from './audience.service.js';
import type { Audience } from './audience.service.js';
import { checkSameRequest, readIdempotency } from './idempotency.js';
import type { Idempotency } from './idempotency.js';
import { newMessageId } from './message-id.js';
import { MessageWriter } from './message-writer.js';
import { MessageRepository } from './message.repository.js';
import type { EarlierMessage } from './message.repository.js';
import { isLarge } from './new-message.js';
import type { Acceptable, NewMessage } from './new-message.js';
import { prepareMessage } from '../request/prepare.js';
import type { PrepareOptions, PreparedMessage } from '../request/prepare.js';
import { RoutingService } from './routing.service.js';
import type { Warning } from '../request/warning.js';
import { SavedAudiencesService } from './saved-audiences.service.js';
import type { WayOut } from './routing.service.js';

export interface Acceptance {
  messageId: string;
  /** The request body as received. */
  body: Record<string, unknown>;
  warnings: Warning[];
  /** True: repeats the answer to an earlier request with the same Idempotency-Key. */
  replayed: boolean;
  /** The message may go to more devices than one batch has. */
  isLarge?: boolean;
}

/** The client, the application and the circumstances of the request. */
export interface SendContext {
  applicationId: string;
  clientId: string;
  /** The request's `via` header, see routing. */
  via?: string;
  /** The trace of the request (common/tracing.ts). */
  traceparent?: string | null;
  /** If true, unknown fields are refused; the application's setting may require the same. */
  strict: boolean;
}

const NOBODY_HERE: Audience = { warnings: [], batches: [], urgent: false };

@Injectable()
export class MessagesService {
  constructor(
    private readonly applications: ApplicationsService,
    private readonly audience: AudienceService,
    private readonly saved: SavedAudiencesService,
    private readonly approvals: ApprovalsService,
    private readonly messages: MessageRepository,
    private readonly writer: MessageWriter,
    private readonly routing: RoutingService,
    private readonly quotas: Quotas,
    @Inject(PROVIDERS) private readonly providers: Providers,
    private readonly clock: Clock,
  ) {}

  /** Reads a request. Throws FPWSE0004E and FPWSE0005E that name field and reason. */
  prepare(body: unknown, strict: boolean, audiences?: PrepareOptions['audiences']): PreparedMessage {
    const prepared = prepareMessage(body, this.providers, { now: this.clock.now(), strict, audiences });
    // Refused, because a request for a trial must not send a message.
    if (prepared.dryRun) throw invalidValue('dryRun', 'it cannot be used in a bulk');
    return prepared;
  }

  /** Validates and stores a message, then tells the queue. When this returns, the message is committed. */
  async acceptMessage(caller: SendContext, body: unknown, idempotencyKey: string | undefined): Promise<Acceptance> {
    noteShortRequest();
    const { applicationId, clientId } = caller;
    const application = await this.applications.getApplication(applicationId);
    // First of all checks, so that a repeated request gets its answer even if its `sendAt` has passed.
    const idempotency = readIdempotency(idempotencyKey, body);
    const earlier = await this.findEarlier(applicationId, clientId, idempotency);
    if (earlier) return earlier;
    const audiences = await this.saved.findNamed(applicationId, [body]);
    const prepared = this.prepare(body, caller.strict || application.strict, audiences);
    checkMaySend(application);
    const routed = await this.route(application, caller, prepared);
    const { message, batches, warnings } = await this.approvals.hold(application, routed);
    message.idempotency = idempotency;
    await this.takeQuota(applicationId, [message]);
    return this.keepMessage(message, batches, warnings);
  }

  /** Chooses the way out, resolves the audience here and composes the message. `bulk`: see AudienceService. */
  async route(
    application: FoundApplication,
    caller: SendContext,
    prepared: PreparedMessage,
    how?: { bulk: boolean },
  ): Promise<Acceptable & { warnings: Warning[] }> {
    const way = await this.routing.chooseWay(application, prepared, caller.via);
    const audience = way.direct ? await this.audience.resolve(application.id, way.direct, how) : NOBODY_HERE;
    const warnings = [...prepared.warnings, ...way.warnings, ...audience.warnings];
    const message = this.compose(caller, prepared, way, audience);
    // A scheduled message resolves its audience when it is sent. If the whole message is relayed, it keeps an empty
    // batch list, so that it is not expanded.
    return { message, batches: prepared.timing.sendAt && way.direct ? null : audience.batches, warnings };
  }

  /** Throws CARIL0409E if the application cannot have this many more scheduled messages. */
  async takeQuota(applicationId: string, messages: readonly NewMessage[]): Promise<void> {
    const scheduled = messages.filter(({ sendAt }) => sendAt).length;
    const count = () => this.messages.countScheduled(applicationId);
    await this.quotas.take('scheduledMessages', applicationId, scheduled, count);
  }

  /** Builds the message from the request, with a new id. */
  private compose(
    { applicationId, clientId, traceparent }: SendContext,
    prepared: PreparedMessage,
    way: WayOut,
    audience: Audience,
  ): NewMessage {
    const { notification, target } = prepared;
    return {
      applicationId,
      id: newMessageId(),
      clientId,
      body: prepared.request,
      notification: way.relay ? { ...notification, relay: way.relay } : notification,
      target: way.direct ?? target,
      urgent: way.direct ? audience.urgent : target.deviceIds !== undefined || target.userIds !== undefined,
      onUnknown: prepared.onUnknown,
      idempotency: null,
      acceptedAt: new Date(this.clock.now()),
      expiresAt: prepared.timing.expiresAt,
      sendAt: prepared.timing.sendAt,
      label: prepared.label,
      traceparent,
      data: prepared.data,
    };
  }

  /**
   * Returns the answer to an earlier equal request with the same key, if there is one. Throws FPWSE0002E if the earlier
   * request was different.
   */
  async findEarlier(
    applicationId: string,
    clientId: string,
    idempotency: Idempotency | null,
  ): Promise<Acceptance | null> {
    if (!idempotency) return null;
    const earlier = await this.messages.findByIdempotencyKey(applicationId, clientId, idempotency.key);
    return earlier ? replay(earlier, idempotency.requestHash) : null;
  }

  /** Commits, then tells the queue: to deliver the given batches, or to expand the message. */
  async keepMessage(
    message: NewMessage,
    batches: readonly NewBatch[] | null,
    warnings: Warning[],
  ): Promise<Acceptance> {
    for (;;) {
      if (await this.writer.keep({ message, batches }))
        return {
          messageId: message.id,
          body: message.body,
          warnings,
          replayed: false,
          isLarge: isLarge({ message, batches }),
        };
      // Either the same key came in a concurrent request, whose answer is repeated, or (rarely) the id is taken.
      const earlier = await this.findEarlier(message.applicationId, message.clientId, message.idempotency);
      if (earlier) return earlier;
      message.id = newMessageId();
    }
  }
}

function replay(earlier: EarlierMessage, requestHash: Buffer): Acceptance {
  checkSameRequest(earlier, requestHash);
  return { messageId: earlier.id, body: earlier.body, warnings: [], replayed: true };
}
