import { Injectable } from '@nestjs/common';
import { DeviceRepository } from '../../devices/device.repository.js';
import { missingValue, missingReason } from '../../providers/placeholders.js';
import type { Recipient } from '../../providers/provider.js';
import { RELAY_SEQ } from '../batching.js';
import type { LeasedBatch } from '../batch.js';
import { OUTCOME } from '../outcome.js';
import { valuesFor } from './values.js';
import { ValuesRepository } from './values.repository.js';

/** The recipient of a relayed message. */
const UPSTREAM = { token: '', platform: '', registeredAt: 0, seq: RELAY_SEQ };

/** A recipient and its position in the batch. */
export interface DueRecipient extends Recipient {
  position: number;
  seq: number;
}

/** Finds the recipients of a batch's due deliveries. */
@Injectable()
export class RecipientsService {
  constructor(
    private readonly devices: DeviceRepository,
    private readonly values: ValuesRepository,
  ) {}

  /**
   * The due devices that are still registered at the batch's provider, with their values. Deliveries that cannot be
   * sent are settled here. The upstream is always present.
   */
  async find(batch: LeasedBatch): Promise<DueRecipient[]> {
    if (batch.provider === 'upstream') return batch.due.map((position) => ({ ...UPSTREAM, position }));
    const due = batch.due.map((position) => batch.deviceSeqs[position] ?? 0);
    const found = batch.devices ?? (await this.devices.findDeliverable(due, batch.provider));
    const bySeq = new Map(found.map((device) => [device.seq, device]));
    const { placeholders } = batch.notification;
    const sources = placeholders ? await this.values.find(batch.messageSeq, [...bySeq.keys()]) : [];
    const sourceOf = new Map(sources.map((source) => [source.seq, source]));
    const recipients: DueRecipient[] = [];
    for (const position of batch.due) {
      const seq = batch.deviceSeqs[position] ?? 0;
      const device = bySeq.get(seq);
      const source = sourceOf.get(seq);
      if (!device || (placeholders && !source)) {
        const reason = 'the device is no longer registered';
        batch.ledger.record(position, { outcome: OUTCOME.cancelled, reason }, false);
        continue;
      }
      const { token, platform, registeredAt } = device;
      const recipient: DueRecipient = { position, seq, token, platform, registeredAt };
      if (placeholders && source) {
        recipient.values = valuesFor(placeholders, source);
        const missing = missingValue(placeholders, recipient.values);
        if (missing !== undefined) {
          const reason = missingReason(missing);
          batch.ledger.record(position, { outcome: OUTCOME.failed, reason }, false);
          continue;
        }
      }
      recipients.push(recipient);
    }
    return recipients;
  }
}
