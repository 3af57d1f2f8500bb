import type { DeliverableDevice } from '../devices/device.repository.js';
import type { Notification } from '../providers/notification.js';
import type { ProviderName } from '../providers/provider.js';
import type { AttemptTerms, BatchLedger } from './ledger.js';

/** The fields of a batch that the queue needs. */
export interface QueuedBatch {
  id: number;
  epoch: number;
  provider: ProviderName;
  urgent: boolean;
  applicationId: string;
  /** Position among the outstanding broadcast batches of its application, from 1. Applications take turns by it. */
  rank?: number;
  /** How often its jobs have been added in vain (sweep.repository.ts). */
  late?: number;
  /** Ms until the batch is due, if that is later. */
  delayMs?: number;
}

/** A batch whose turn at the provider's pace, or whose message's time, comes later. */
export interface PostponedBatch extends QueuedBatch {
  delayMs: number;
}

/** The batches of one application at one provider, which share a window and a pace. */
export interface Destination {
  applicationId: string;
  provider: ProviderName;
}

export interface LeasedBatch extends QueuedBatch {
  messageSeq: number;
  /** True if the batch contains all deliveries of its message, so that the message ends with it. */
  isWhole: boolean;
  applicationId: string;
  /** 0 if the provider needs no settings, null if it needs some and there are none. */
  settingsVersion: number | null;
  notification: Notification;
  terms: AttemptTerms;
  /** The trace of the message; while the batch is sent, of its span. */
  traceparent: string | null;
  /** The application's key for receipt tokens, sealed; null: its deliveries have none. */
  receiptKey: Buffer | null;
  deviceSeqs: number[];
  ledger: BatchLedger;
  /** Positions to send now, committed as in flight. */
  due: number[];
  /** The devices of the due deliveries if the claim has read them; otherwise they are looked up. */
  devices?: DeliverableDevice[];
  /** True if the application is paused at the provider: the single due position tests whether the cause is gone. */
  isProbe: boolean;
  /** When a delivery of the application was last accepted there, epoch ms; null: never. */
  lastSuccessAt: number | null;
}
