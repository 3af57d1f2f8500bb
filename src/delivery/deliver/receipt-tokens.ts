import { Inject, Injectable } from '@nestjs/common';
import { ReceiptKeys } from '../../applications/receipt-keys.js';
import { TOKEN_SPACE, signReceipt } from '../../applications/receipt-token.js';
import { RECEIPT_TOKEN } from '../../providers/placeholders.js';
import { PROVIDERS } from '../../providers/providers.module.js';
import type { Providers } from '../../providers/providers.module.js';
import type { LeasedBatch } from '../batch.js';
import type { DueRecipient } from './recipients.service.js';

/** Gives each delivery of an application with receipts a token of its own. */
@Injectable()
export class ReceiptTokens {
  constructor(
    @Inject(PROVIDERS) private readonly providers: Providers,
    private readonly keys: ReceiptKeys,
  ) {}

  /** A message that the provider would refuse as too large with a token goes without. */
  addTo(batch: LeasedBatch, recipients: readonly DueRecipient[]): void {
    const { receiptKey, applicationId, id: batchId, notification } = batch;
    const provider = this.providers[batch.provider];
    if (receiptKey === null || !provider.carriesReceiptToken) return;
    const withToken = { ...notification, receiptToken: TOKEN_SPACE };
    if (provider.measure(withToken) > provider.maxBytes) return;
    batch.notification = withToken;
    const key = this.keys.open(applicationId, receiptKey);
    for (const recipient of recipients) {
      const token = signReceipt(key, notification.messageId, { batchId, position: recipient.position });
      recipient.values = { ...recipient.values, [RECEIPT_TOKEN]: token };
    }
  }
}
