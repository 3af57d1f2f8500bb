import { Inject, Injectable } from '@nestjs/common';
import { ApplicationsService } from '../applications/applications.service.js';
import { Clock } from '../common/clock.js';
import { ApiError, notFound } from '../common/errors.js';
import type { Target } from '../database/tables.js';
import { BATCH_SIZE, cutBatches } from '../delivery/batching.js';
import type { NewBatch } from '../delivery/batching.js';
import { DeliveryQueue } from '../delivery/delivery.queue.js';
import { AudienceRepository, BROADCAST_TAG } from '../devices/audience.repository.js';
import { PROVIDERS } from '../providers/providers.module.js';
import type { Providers } from '../providers/providers.module.js';
import { readContent } from './content.js';
import { readIdempotency } from './idempotency.js';
import type { Idempotency } from './idempotency.js';
import { newMessageId } from './message-id.js';
import { MessageRepository, withCollapseId } from './message.repository.js';
import type { EarlierMessage, MessageReport, NewMessage } from './message.repository.js';
import { checkSizes } from './notification.js';
import { RoutingService } from './routing.service.js';
import { readTarget, targetOf } from './target.js';

export interface Acceptance {
  messageId: string;
  /** The request, as it came. */
  body: Record<string, unknown>;
  warnings: string[];
  /** True: an earlier request under the same Idempotency-Key was answered again. */
  replayed: boolean;
}

/** Unknown ids named in a warning; a list of ten thousand would be an answer larger than the request. */
const NAMED = 10;

@Injectable()
export class MessagesService {
  constructor(
    private readonly applications: ApplicationsService,
    private readonly audience: AudienceRepository,
    private readonly messages: MessageRepository,
    private readonly routing: RoutingService,
    private readonly queue: DeliveryQueue,
    @Inject(PROVIDERS) private readonly providers: Providers,
    private readonly clock: Clock,
  ) {}

  /** Validates, keeps, then tells the queue. When this returns, the message is committed. `via`: the header, see routing. */
  async acceptMessage(
    applicationId: string,
    clientId: string,
    body: unknown,
    idempotencyKey: string | undefined,
    via?: string,
  ): Promise<Acceptance> {
    const application = await this.applications.getApplication(applicationId);
    const { notification, onUnknown, ttlSeconds, unknown } = readContent(body);
    const request = body as Record<string, unknown>;
    const target = readTarget(targetOf(request));
    checkSizes(notification, target.platforms, this.providers);
    const idempotency = readIdempotency(idempotencyKey, request);
    const earlier = await this.findEarlier(applicationId, clientId, idempotency);
    if (earlier) return earlier;
    if (!application.enabled) throw applicationDisabled();
    const { direct, relay, warnings } = await this.routing.chooseWay(application, target, request, via);
    warnings.unshift(...unknown.map(ignoredField));
    if (direct) warnings.push(...(await this.checkTarget(applicationId, direct)));
    const acceptedAt = this.clock.now();
    const batches = direct ? await this.smallAudience(applicationId, direct) : [];
    return this.keepMessage(
      {
        applicationId,
        id: newMessageId(),
        clientId,
        body: request,
        notification: { ...notification, relay },
        target: direct ?? target,
        direct: batches !== null && (target.deviceIds !== undefined || target.userIds !== undefined),
        onUnknown,
        idempotency,
        acceptedAt: new Date(acceptedAt),
        expiresAt: new Date(acceptedAt + ttlSeconds * 1_000),
      },
      batches,
      warnings,
    );
  }

  async readMessage(applicationId: string, messageId: string): Promise<MessageReport> {
    await this.applications.getApplication(applicationId);
    const report = await this.messages.report(applicationId, messageId);
    if (!report) throw notFound('message', 'messageId');
    return report;
  }

  /** The answer to the same request under the same key, if there was one. Throws FPWSE0002E when it was another. */
  async findEarlier(
    applicationId: string,
    clientId: string,
    idempotency: Idempotency | null,
  ): Promise<Acceptance | null> {
    if (!idempotency) return null;
    const earlier = await this.messages.findByIdempotencyKey(applicationId, clientId, idempotency.key);
    return earlier ? replay(earlier, idempotency.requestHash) : null;
  }

  /** Commits, then tells the queue: to deliver the batches that are given, else to expand. */
  async keepMessage(message: NewMessage, batches: readonly NewBatch[] | null, warnings: string[]): Promise<Acceptance> {
    for (;;) {
      const kept = await this.messages.accept({ ...message, notification: withCollapseId(message) }, batches);
      if (kept) {
        if (batches === null) await this.queue.enqueueExpansion(kept.seq);
        await this.queue.enqueueBatches(kept.queued);
        return { messageId: message.id, body: message.body, warnings, replayed: false };
      }
      // The same key came in twice at once, or the id is taken: the first has an answer to repeat, the second is rare.
      const earlier = await this.findEarlier(message.applicationId, message.clientId, message.idempotency);
      if (earlier) return earlier;
      message.id = newMessageId();
    }
  }

  /** The batches when the audience fits into one, so that accepting and expanding are one commit; null when it does not. */
  private async smallAudience(applicationId: string, target: Target): Promise<NewBatch[] | null> {
    const range = { after: 0, max: Number.MAX_SAFE_INTEGER, limit: BATCH_SIZE + 1 };
    const members = await this.audience.page(applicationId, target, range);
    return members.length > BATCH_SIZE ? null : cutBatches(members);
  }

  /**
   * Tags are declared, so an unknown one is a mistake and refused. Device and user ids come and go: unknown ones are
   * named in a warning, and refused only when none of them is known.
   */
  async checkTarget(applicationId: string, target: Target): Promise<string[]> {
    if (target.tagNames) {
      const tags = target.tagNames.filter((name) => name !== BROADCAST_TAG);
      const unknown = await this.audience.unknownTagNames(applicationId, tags);
      if (unknown.length === 0) return [];
      throw new ApiError(
        'FPWSE0001E',
        `Not found: the tag does not exist. Check the 'target.tagNames' parameter value: ${list(unknown)}.`,
      );
    }
    const kind = target.deviceIds ? 'deviceIds' : 'userIds';
    const ids = target[kind];
    if (!ids) return [];
    const unknown = target.deviceIds
      ? await this.audience.unknownDeviceIds(applicationId, ids)
      : await this.audience.unknownUserIds(applicationId, ids);
    if (unknown.length === ids.length)
      throw new ApiError(
        'FPWSE0009E',
        `No device is registered for the target. Check the 'target.${kind}' parameter value: ${list(unknown)}.`,
      );
    if (unknown.length === 0) return [];
    return [`No device is registered for ${unknown.length} of target.${kind}: ${list(unknown)}.`];
  }
}

export function applicationDisabled(): ApiError {
  return new ApiError('FPWSE1007E', 'The application is disabled; it sends no messages until it is enabled again.');
}

export function ignoredField(path: string): string {
  return `Unknown field '${path.slice(0, 100)}' is ignored.`;
}

function replay(earlier: EarlierMessage, requestHash: Buffer): Acceptance {
  if (!earlier.requestHash.equals(requestHash))
    throw new ApiError(
      'FPWSE0002E',
      "Another message was accepted under this key. Check the 'Idempotency-Key' header value.",
    );
  return { messageId: earlier.id, body: earlier.body, warnings: [], replayed: true };
}

function list(ids: readonly string[]): string {
  const more = ids.length > NAMED ? ` and ${ids.length - NAMED} more` : '';
  return `${ids.slice(0, NAMED).join(', ')}${more}`;
}
