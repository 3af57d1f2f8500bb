import type { DeliverableDevice } from '../devices/device.repository.js';
import type { Notification } from '../providers/notification.js';
import type { ProviderName } from '../providers/provider.js';
import type { AttemptTerms, BatchLedger } from './ledger.js';

/** What the queue needs to know of a batch. */
export interface QueuedBatch {
  id: number;
  epoch: number;
  provider: ProviderName;
  direct: boolean;
  /** Of one that was accepted just now. */
  applicationId?: string;
  /** Its place among the outstanding broadcast batches of its application, from 1: what applications take turns by. */
  rank?: number;
  /** Its jobs have been there in vain so often (sweep.repository.ts). */
  late?: number;
  /** Until it is due, when that is later. */
  delayMs?: number;
}

/** Its turn at the provider's pace, or its message's own time, comes later. */
export interface PostponedBatch extends QueuedBatch {
  delayMs: number;
}

/** What shares a window and a pace: the batches of one application at one provider. */
export interface Lot {
  applicationId: string;
  provider: ProviderName;
}

export interface LeasedBatch extends QueuedBatch {
  messageSeq: number;
  /** All deliveries of its message are in it: the message ends with it. */
  isWhole: boolean;
  applicationId: string;
  /** 0 where the provider needs no settings, null where it needs some and has none. */
  settingsVersion: number | null;
  notification: Notification;
  terms: AttemptTerms;
  deviceSeqs: number[];
  ledger: BatchLedger;
  /** Positions to send now: marked in flight, and committed so. */
  due: number[];
  /** Of the deliveries that are due, where the claim has read them; else they are looked up. */
  devices?: DeliverableDevice[];
  /** The application is paused at the provider: the one position that is due tries whether the cause is gone. */
  isProbe: boolean;
  /** When anything of the application was last accepted there, epoch ms; null: never. */
  lastSuccessAt: number | null;
}
