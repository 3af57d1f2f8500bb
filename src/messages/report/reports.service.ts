import { Injectable } from '@nestjs/common';
import { ApplicationsService } from '../../applications/applications.service.js';
import { Clock } from '../../common/clock.js';
import { notFound } from '../../common/errors.js';
import { DeviceRepository } from '../../devices/device.repository.js';
import { DeliveryReportRepository } from './delivery-report.repository.js';
import type {
  DeliveryFilter,
  DeliveryPage,
  DeliveryPlace,
  DeviceDelivery,
  DeviceMessage,
  ReasonCount,
} from './delivery-report.repository.js';
import type { FullReport, MessageReport } from './report.js';
import { ReportRepository } from './report.repository.js';
import type { MessageContent, MessageFilter, MessagePlace } from './report.repository.js';
import { whyNot } from './why-not.js';
import type { WhyNot } from './why-not.js';

/** Deliveries per step of a stream: four batches, about 2 MB of lines. */
const STREAM_STEP = 4_000;
/** Limits of one request for a device's history: batches per step, and steps per page. */
const LOOK = 200;
const LOOKS = 10;

export interface DeliveryQuery extends Omit<DeliveryFilter, 'deviceSeq'> {
  deviceId?: string;
}

/** Reports about messages and deliveries. Every method throws FPWSE0001E if the message or device does not exist. */
@Injectable()
export class ReportsService {
  constructor(
    private readonly applications: ApplicationsService,
    private readonly devices: DeviceRepository,
    private readonly reports: ReportRepository,
    private readonly deliveries: DeliveryReportRepository,
    private readonly clock: Clock,
  ) {}

  async readMessage(applicationId: string, messageId: string): Promise<FullReport> {
    await this.applications.getApplication(applicationId);
    const report = await this.reports.find(applicationId, messageId, this.clock.now());
    if (!report) throw notFound('message', 'messageId');
    return report;
  }

  /** Newest first; `next` is where the following page begins. */
  async listMessages(
    applicationId: string,
    filter: MessageFilter,
    after: MessagePlace | undefined,
    size: number,
  ): Promise<{ messages: MessageReport[]; next: MessagePlace | null }> {
    await this.applications.getApplication(applicationId);
    const rows = await this.reports.list(applicationId, filter, after, size + 1, this.clock.now());
    const messages = rows.slice(0, size);
    return { messages, next: rows.length > size ? (messages.at(-1) ?? null) : null };
  }

  listUnderWay(limit: number): Promise<(MessageReport & { applicationId: string })[]> {
    return this.reports.listUnderWay(limit, this.clock.now());
  }

  async listDeliveries(
    applicationId: string,
    messageId: string,
    query: DeliveryQuery,
    from: DeliveryPlace,
    size: number,
  ): Promise<DeliveryPage> {
    const { seq, filter } = await this.find(applicationId, messageId, query);
    return this.deliveries.page(seq, filter, from, size);
  }

  async countReasons(applicationId: string, messageId: string): Promise<{ reasons: ReasonCount[]; exact: boolean }> {
    const { seq } = await this.find(applicationId, messageId, {});
    return this.deliveries.countReasons(seq);
  }

  /** The notification before the values of each device are filled in, and the target. */
  async readContent(applicationId: string, messageId: string): Promise<MessageContent> {
    await this.applications.getApplication(applicationId);
    const content = await this.reports.findContent(applicationId, messageId);
    if (!content) throw notFound('message', 'messageId');
    return content;
  }

  /** Streams all deliveries; the next step is read after the previous one was consumed. */
  async streamDeliveries(
    applicationId: string,
    messageId: string,
    query: DeliveryQuery,
    from: DeliveryPlace,
  ): Promise<AsyncGenerator<DeviceDelivery[]>> {
    const { seq, filter } = await this.find(applicationId, messageId, query);
    const { deliveries: repository } = this;
    return (async function* steps() {
      for (let place: DeliveryPlace | null = from; place !== null;) {
        const page: DeliveryPage = await repository.page(seq, filter, place, STREAM_STEP);
        yield page.deliveries;
        place = page.next;
      }
    })();
  }

  /**
   * Newest first. A page may be short or empty and still have `next`, because a request reads a limited part of the
   * history.
   */
  async listDeviceMessages(
    applicationId: string,
    deviceId: string,
    before: number,
    size: number,
  ): Promise<{ messages: DeviceMessage[]; next: number | null }> {
    return this.listSent(applicationId, await this.deviceSeq(applicationId, deviceId), before, size);
  }

  /** Like listDeviceMessages, for a device given by its seq. */
  async listSent(
    applicationId: string,
    seq: number,
    before: number,
    size: number,
  ): Promise<{ messages: DeviceMessage[]; next: number | null }> {
    const messages: DeviceMessage[] = [];
    let place = before;
    for (let look = 0; look < LOOKS; look++) {
      const found = await this.deliveries.ofDevice(applicationId, seq, place, LOOK);
      for (const { batchId, message } of found) {
        if (messages.length === size) return { messages, next: place };
        if (message) messages.push(message);
        place = batchId;
      }
      if (found.length < LOOK) return { messages, next: null };
    }
    return { messages, next: place };
  }

  /** The outcome of one message on one device, or the reason why the device is not in its audience. */
  async explain(
    applicationId: string,
    deviceId: string,
    messageId: string,
  ): Promise<{ delivery: DeviceDelivery } | WhyNot> {
    const page = await this.listDeliveries(applicationId, messageId, { deviceId }, { batchId: 0, position: 0 }, 1);
    const [delivery] = page.deliveries;
    if (delivery) return { delivery };
    const circumstances = await this.deliveries.circumstances(applicationId, deviceId, messageId);
    if (!circumstances) throw notFound('message', 'messageId');
    return whyNot(circumstances);
  }

  private async find(
    applicationId: string,
    messageId: string,
    { deviceId, ...filter }: DeliveryQuery,
  ): Promise<{ seq: number; filter: DeliveryFilter }> {
    await this.applications.getApplication(applicationId);
    const seq = await this.reports.findSeq(applicationId, messageId);
    if (seq === undefined) throw notFound('message', 'messageId');
    if (deviceId === undefined) return { seq, filter };
    return { seq, filter: { ...filter, deviceSeq: await this.deviceSeq(applicationId, deviceId) } };
  }

  private async deviceSeq(applicationId: string, deviceId: string): Promise<number> {
    await this.applications.getApplication(applicationId);
    const device = await this.devices.findOwner(applicationId, deviceId);
    if (device === undefined) throw notFound('device', 'deviceId');
    return device.seq;
  }
}
