import { SEALED_RECEIPT_KEYS } from '../applications/application.repository.js';
import { SEALED_SETTINGS } from '../applications/provider-setting.repository.js';
import { SEALED_SIGNING_KEYS } from '../auth/signing-key.repository.js';
import type { SealedColumn } from '../database/sealed.js';
import { SEALED_TOKENS } from '../applications/shared-token.repository.js';
import { SEALED_WEBHOOK_SECRETS } from '../webhooks/webhook.repository.js';

/** Every column whose values are sealed under the master key. */
export const SEALED_COLUMNS: readonly SealedColumn[] = [
  SEALED_RECEIPT_KEYS,
  SEALED_SETTINGS,
  SEALED_SIGNING_KEYS,
  SEALED_TOKENS,
  ...SEALED_WEBHOOK_SECRETS,
];
