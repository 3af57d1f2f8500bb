import { Injectable } from '@nestjs/common';
import { ApplicationsService, checkMaySend } from '../../applications/applications.service.js';
import { checkKnownBody } from '../../common/body.js';
import { Clock } from '../../common/clock.js';
import { ApiError, notFound } from '../../common/errors.js';
import { readIdempotency } from '../send/idempotency.js';
import { newMessageId } from '../send/message-id.js';
import { inherit } from '../send/new-message.js';
import { MessageRepository } from '../send/message.repository.js';
import { MessagesService } from '../send/messages.service.js';
import type { Acceptance, SendContext } from '../send/messages.service.js';
import { ResendDto } from './resend.dto.js';

/** Sends the deliveries of a finished message with certain outcomes again, as a new message. */
@Injectable()
export class ResendService {
  constructor(
    private readonly applications: ApplicationsService,
    private readonly messages: MessagesService,
    private readonly stored: MessageRepository,
    private readonly clock: Clock,
  ) {}

  /**
   * Throws FPWSE0001E if the message does not exist, FPWSE0005E that names a wrong field, CARIL0409E if the message has
   * not ended, and the errors of a send for an Idempotency-Key or a disabled application.
   */
  async resendMessage(
    { applicationId, clientId, traceparent }: Omit<SendContext, 'strict'>,
    originalId: string,
    body: unknown,
    idempotencyKey: string | undefined,
  ): Promise<Acceptance> {
    const application = await this.applications.getApplication(applicationId);
    // An ignored field would be a restriction of the recipients, or a dry run, that is sent to all of them.
    const value = checkKnownBody(ResendDto, body);
    const idempotency = readIdempotency(idempotencyKey, { ...(body as object), resendOf: originalId });
    const earlier = await this.messages.findEarlier(applicationId, clientId, idempotency);
    if (earlier) return earlier;
    const original = await this.stored.findOriginal(applicationId, originalId);
    if (!original) throw notFound('message', 'messageId');
    checkMaySend(application);
    if (original.finishedAt === null)
      throw new ApiError('CARIL0409E', 'The message has not ended: resend it when it has ended.');
    const acceptedAt = this.clock.now();
    const lifetime = value.ttl === undefined ? original.lifetimeMs : value.ttl * 1_000;
    return this.messages.keepMessage(
      {
        applicationId,
        id: newMessageId(),
        clientId,
        traceparent,
        body: original.body,
        notification: inherit(original.notification, originalId),
        target: original.target,
        urgent: original.urgent,
        onUnknown: original.onUnknown,
        idempotency,
        acceptedAt: new Date(acceptedAt),
        expiresAt: new Date(acceptedAt + lifetime),
        resend: { of: originalId, outcomes: [...new Set(value.outcomes)] },
      },
      null,
      [],
    );
  }
}
