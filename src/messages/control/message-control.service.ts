import { Injectable } from '@nestjs/common';
import { ApplicationsService } from '../../applications/applications.service.js';
import { LeaseRepository } from '../../applications/lease.repository.js';
import { Clock } from '../../common/clock.js';
import { ApiError, notFound } from '../../common/errors.js';
import type { MessageState } from '../../database/tables.js';
import { BatchRepository } from '../../delivery/batch.repository.js';
import { DeliveryQueue } from '../../delivery/delivery.queue.js';
import { MessageControlRepository } from './message-control.repository.js';
import type { FullReport } from '../report/report.js';
import { ReportRepository } from '../report/report.repository.js';

/** Deliveries of a cancelled message. */
export interface CancelCounts {
  stopped: number;
  gone: number;
  unknown: number;
  final: boolean;
}

/** Cancels, pauses and resumes messages. Every method throws FPWSE0001E if the message does not exist. */
@Injectable()
export class MessageControlService {
  constructor(
    private readonly applications: ApplicationsService,
    private readonly reports: ReportRepository,
    private readonly control: MessageControlRepository,
    private readonly leases: LeaseRepository,
    private readonly batches: BatchRepository,
    private readonly queue: DeliveryQueue,
    private readonly clock: Clock,
  ) {}

  /**
   * Cancels deliveries that were not sent; when this returns, no more are sent. Throws CARIL0409E if the message has
   * ended. Returns false if a worker that holds a batch has not reported within three seconds.
   */
  async cancelMessage(applicationId: string, messageId: string): Promise<boolean> {
    if (!(await this.control.cancel(applicationId, messageId))) {
      const state = await this.stateOf(applicationId, messageId);
      if (state !== 'cancelled') throw nothingLeft(state, 'cancel');
    }
    return this.awaitWorkers(applicationId, messageId);
  }

  /** Pausing a paused message succeeds. Throws CARIL0409E if the message has ended. */
  async pauseMessage(applicationId: string, messageId: string): Promise<void> {
    if (await this.control.pause(applicationId, messageId, new Date(this.clock.now())))
      return void (await this.awaitWorkers(applicationId, messageId));
    const state = await this.stateOf(applicationId, messageId);
    if (state === 'awaitingApproval')
      throw new ApiError('CARIL0409E', 'The message waits for approval, and nothing of it is sent meanwhile.');
    if (ENDED.has(state)) throw nothingLeft(state, 'pause');
  }

  /**
   * Resuming a message that is not paused succeeds. Throws CARIL0409E if the message has ended, or if it is held by
   * another pause.
   */
  async resumeMessage(applicationId: string, messageId: string): Promise<void> {
    const resumed = await this.control.resume(applicationId, messageId);
    if (resumed) {
      if (resumed.toExpand) await this.queue.enqueueExpansions([resumed.seq]);
      const promoted = await this.batches.promote(applicationId, resumed.providers);
      return this.queue.enqueueBatches([...resumed.queued, ...promoted]);
    }
    const state = await this.stateOf(applicationId, messageId);
    if (ENDED.has(state)) throw nothingLeft(state, 'resume');
    if (state === 'paused')
      throw new ApiError(
        'CARIL0409E',
        'The application is paused at the message’s providers: resume the application at each provider.',
      );
  }

  /**
   * Counts of a cancel: deliveries stopped, settled before, and possibly sent. `final`: as returned by cancelMessage.
   */
  async countCancelled(applicationId: string, messageId: string, final: boolean): Promise<CancelCounts> {
    const { outcomes } = await this.read(applicationId, messageId);
    const { pending, inFlight, accepted, rejected, failed, expired, cancelled, unknown } = outcomes;
    return {
      // Pending deliveries are settled as cancelled later, and never sent.
      stopped: cancelled + pending,
      gone: accepted + rejected + failed + expired,
      unknown: unknown + inFlight,
      final,
    };
  }

  private async awaitWorkers(applicationId: string, messageId: string): Promise<boolean> {
    const seq = await this.reports.findSeq(applicationId, messageId);
    return seq === undefined || this.leases.awaitEnd({ messageSeqs: [seq] });
  }

  private async stateOf(applicationId: string, messageId: string): Promise<MessageState> {
    return (await this.read(applicationId, messageId)).state;
  }

  private async read(applicationId: string, messageId: string): Promise<FullReport> {
    await this.applications.getApplication(applicationId);
    const report = await this.reports.find(applicationId, messageId, this.clock.now());
    if (!report) throw notFound('message', 'messageId');
    return report;
  }
}

const ENDED: ReadonlySet<MessageState> = new Set(['finished', 'cancelled', 'expired']);

function nothingLeft(state: MessageState, verb: string): ApiError {
  return new ApiError('CARIL0409E', `The message is ${state}, so nothing is left to ${verb}.`);
}
