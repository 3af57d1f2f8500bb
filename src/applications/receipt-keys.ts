import { Inject, Injectable } from '@nestjs/common';
import { randomBytes } from 'node:crypto';
import { Vault } from '../common/vault.js';
import { ApplicationRepository, receiptKeyContext } from './application.repository.js';
import { readReceipt } from './receipt-token.js';
import type { DeliveryOfToken } from './receipt-token.js';

const BYTES = 32;

/** The keys with which the receipt tokens of applications are signed. */
@Injectable()
export class ReceiptKeys {
  constructor(
    private readonly applications: ApplicationRepository,
    @Inject(Vault) private readonly vault: Vault,
  ) {}

  /** Sealed. */
  make(applicationId: string): Buffer {
    return this.vault.seal(randomBytes(BYTES).toString('base64'), receiptKeyContext(applicationId));
  }

  open(applicationId: string, sealed: Buffer): Buffer {
    return Buffer.from(this.vault.open(sealed, receiptKeyContext(applicationId)), 'base64');
  }

  /** The delivery of a receipt token; null if the token is not of this application and message. */
  async read(applicationId: string, messageId: string, token: string): Promise<DeliveryOfToken | null> {
    const key = (await this.applications.find(applicationId))?.receiptKey;
    return key ? readReceipt(this.open(applicationId, key), messageId, token) : null;
  }
}
