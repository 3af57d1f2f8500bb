import { Injectable } from '@nestjs/common';
import { ApplicationsService, checkMaySend } from '../../applications/applications.service.js';
import type { Actor } from '../../auth/audit.repository.js';
import { ApiError, notFound } from '../../common/errors.js';
import { DeliveryQueue } from '../../delivery/delivery.queue.js';
import { ApprovalRepository } from './approval.repository.js';

@Injectable()
export class ApprovalService {
  constructor(
    private readonly applications: ApplicationsService,
    private readonly approvals: ApprovalRepository,
    private readonly queue: DeliveryQueue,
  ) {}

  /**
   * Lets a message go that waits for approval. Throws CARIL0403E if the caller sent the message, CARIL0409E if the
   * message does not wait.
   */
  async approveMessage(actor: Actor, applicationId: string, messageId: string): Promise<void> {
    checkMaySend(await this.applications.getApplication(applicationId));
    const approved = await this.approvals.approve(applicationId, messageId, actor);
    if (!('refused' in approved)) {
      if (approved.toExpand) await this.queue.enqueueExpansions([approved.seq]);
      return;
    }
    const { refused } = approved;
    if (refused === 'unknown') throw notFound('message', 'messageId');
    if (refused === 'own')
      throw new ApiError('CARIL0403E', 'The message was sent by this client or person: another one has to approve it.');
    throw new ApiError('CARIL0409E', `The message is ${refused}, so there is nothing to approve.`);
  }
}
