import type { Generated, GeneratedAlways } from 'kysely';
import type { CreatedAt, Json } from './columns.js';

/** Tags, subscriptions, saved audiences and removals of users; devices are in tables.ts. */

export interface TagTable {
  application_id: string;
  name: string;
  description: string;
  created_at: CreatedAt;
  updated_at: Date;
}

export interface SubscriptionTable {
  id: GeneratedAlways<number>;
  application_id: string;
  tag_name: string;
  device_seq: number;
  created_at: CreatedAt;
}

/** A saved audience. */
export interface AudienceTable {
  application_id: string;
  name: string;
  description: string;
  target: Json<Record<string, unknown>>;
  /** The client or person that changed it last. */
  changed_by: string;
  created_at: Date;
  updated_at: Date;
}

/** Written by triggers: the number of rows of a kind and name (platform or tag) is the sum of the amounts. */
export interface TallyTable {
  id: GeneratedAlways<number>;
  application_id: string;
  kind: 'device' | 'broadcast' | 'subscription';
  name: string;
  amount: number;
}

/** A user whose data is deleted in steps (users/user-removal.repository.ts). */
export interface UserRemovalTable {
  application_id: string;
  user_id: string;
  /** Replaces the user's id where ids are kept. */
  pseudonym: string;
  /** Of the devices that were deleted. */
  device_ids: Json<string[]>;
  asked_at: Date;
  last_device: number;
  last_message: number;
  looked_at: Generated<Date>;
  looked_seq: Generated<number>;
}

/** The receipts of a device for a message. */
export interface ReceiptTable {
  message_seq: number;
  device_seq: number;
  /** Epoch ms by kind, the first of each. */
  times: Json<Record<string, number>>;
  /** The part of `times` that the last write added. */
  added: Json<Record<string, number>>;
}

/** How many devices of a message told of a kind. */
export interface ReceiptCountTable {
  message_seq: number;
  name: string;
  count: number;
}
