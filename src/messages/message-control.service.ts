import { Injectable } from '@nestjs/common';
import { setTimeout as delay } from 'node:timers/promises';
import { ApplicationsService } from '../applications/applications.service.js';
import { Clock } from '../common/clock.js';
import { ApiError, notFound } from '../common/errors.js';
import type { MessageState } from '../database/tables.js';
import { BatchRepository } from '../delivery/batch.repository.js';
import { DeliveryQueue } from '../delivery/delivery.queue.js';
import { MessageControlRepository } from './message-control.repository.js';
import type { FullReport } from './report.js';
import { ReportRepository } from './report.repository.js';

/** A worker looks every second whether its message was cancelled. */
const SETTLE_MS = 3_000;
const LOOK_EVERY_MS = 100;

/** Deliveries of a cancelled message. */
export interface CancelCounts {
  stopped: number;
  gone: number;
  unknown: number;
  final: boolean;
}

/** A person's word on a message under way. Each throws FPWSE0001E when there is no such message. */
@Injectable()
export class MessageControlService {
  constructor(
    private readonly applications: ApplicationsService,
    private readonly reports: ReportRepository,
    private readonly control: MessageControlRepository,
    private readonly batches: BatchRepository,
    private readonly queue: DeliveryQueue,
    private readonly clock: Clock,
  ) {}

  /** Calls off what has not left. Throws CARIL0409E when nothing is left to call off. */
  async cancelMessage(applicationId: string, messageId: string): Promise<void> {
    if (await this.control.cancel(applicationId, messageId)) return;
    const state = await this.stateOf(applicationId, messageId);
    if (state !== 'cancelled') throw nothingLeft(state, 'cancel');
  }

  /** To pause what is paused is no mistake. Throws CARIL0409E when nothing is left to pause. */
  async pauseMessage(applicationId: string, messageId: string): Promise<void> {
    if (await this.control.pause(applicationId, messageId, new Date(this.clock.now()))) return;
    const state = await this.stateOf(applicationId, messageId);
    if (ENDED.has(state)) throw nothingLeft(state, 'pause');
  }

  /** To resume what is not paused is no mistake. Throws CARIL0409E when nothing is left, or something else holds it. */
  async resumeMessage(applicationId: string, messageId: string): Promise<void> {
    const resumed = await this.control.resume(applicationId, messageId);
    if (resumed) {
      if (resumed.toExpand) await this.queue.enqueueExpansions([resumed.seq]);
      return this.queue.enqueueBatches(await this.batches.promote(applicationId, resumed.providers));
    }
    const state = await this.stateOf(applicationId, messageId);
    if (ENDED.has(state)) throw nothingLeft(state, 'resume');
    if (state === 'paused')
      throw new ApiError('CARIL0409E', 'The application is paused at the message’s providers: resume it there.');
  }

  /**
   * What a cancel came to: what never left, what had been settled before, and what may have left. Waits a moment for the
   * workers that hold some of it; `final` is false when one of them still has to say.
   */
  async countCancelled(applicationId: string, messageId: string): Promise<CancelCounts> {
    const deadline = this.clock.now() + SETTLE_MS;
    let report = await this.read(applicationId, messageId);
    while (report.finishedAt === null && this.clock.now() < deadline) {
      await delay(LOOK_EVERY_MS);
      report = await this.read(applicationId, messageId);
    }
    const { pending, inFlight, accepted, rejected, failed, expired, cancelled, unknown } = report.outcomes;
    return {
      stopped: cancelled + pending,
      gone: accepted + rejected + failed + expired,
      unknown: unknown + inFlight,
      final: report.finishedAt !== null,
    };
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
  return new ApiError('CARIL0409E', `The message is ${state}: there is nothing left to ${verb}.`);
}
