import { Injectable } from '@nestjs/common';
import { ApplicationsService, checkMaySend } from '../../applications/applications.service.js';
import { checkBody } from '../../common/body.js';
import { Clock } from '../../common/clock.js';
import { ApiError, notFound } from '../../common/errors.js';
import { readIdempotency } from '../send/idempotency.js';
import { newMessageId } from '../send/message-id.js';
import { inherit } from '../send/new-message.js';
import { MessageRepository } from '../send/message.repository.js';
import { MessagesService } from '../send/messages.service.js';
import type { Acceptance } from '../send/messages.service.js';
import { ignoredField } from '../request/prepare.js';
import { ResendDto } from './resend.dto.js';

/** Sends exactly the deliveries of a settled message again that have certain outcomes, as a message of its own. */
@Injectable()
export class ResendService {
  constructor(
    private readonly applications: ApplicationsService,
    private readonly messages: MessagesService,
    private readonly stored: MessageRepository,
    private readonly clock: Clock,
  ) {}

  /**
   * Throws FPWSE0001E when there is no such message, FPWSE0005E naming a wrong field, CARIL0409E while the message still
   * moves, and what a send throws for its Idempotency-Key or a disabled application.
   */
  async resendMessage(
    applicationId: string,
    clientId: string,
    originalId: string,
    body: unknown,
    idempotencyKey: string | undefined,
  ): Promise<Acceptance> {
    const application = await this.applications.getApplication(applicationId);
    const { value, unknown } = checkBody(ResendDto, body);
    const idempotency = readIdempotency(idempotencyKey, { ...(body as object), resendOf: originalId });
    const earlier = await this.messages.findEarlier(applicationId, clientId, idempotency);
    if (earlier) return earlier;
    const original = await this.stored.findOriginal(applicationId, originalId);
    if (!original) throw notFound('message', 'messageId');
    checkMaySend(application);
    if (original.finishedAt === null)
      throw new ApiError('CARIL0409E', 'The message still moves: its outcomes can be sent again when it has ended.');
    const acceptedAt = this.clock.now();
    const lifetime = value.ttl === undefined ? original.lifetimeMs : value.ttl * 1_000;
    return this.messages.keepMessage(
      {
        applicationId,
        id: newMessageId(),
        clientId,
        body: original.body,
        notification: inherit(original.notification, originalId),
        target: original.target,
        direct: original.direct,
        onUnknown: original.onUnknown,
        idempotency,
        acceptedAt: new Date(acceptedAt),
        expiresAt: new Date(acceptedAt + lifetime),
        resend: { of: originalId, outcomes: [...new Set(value.outcomes)] },
      },
      null,
      unknown.map(ignoredField),
    );
  }
}
