import { Inject, Injectable } from '@nestjs/common';
import { DATABASE } from '../database/database.module.js';
import type { Database } from '../database/database.js';
import { BROADCAST_TAG } from './audience.repository.js';

export interface Subscription {
  tagName: string;
  /** Of the row; `Push.ALL` is a property of the device and has none. */
  subscriptionId: string;
}

@Injectable()
export class SubscriptionRepository {
  constructor(@Inject(DATABASE) private readonly database: Database) {}

  /** The new subscriptions; a tag the device has already is left out. */
  async add(applicationId: string, deviceSeq: number, tagNames: readonly string[]): Promise<Subscription[]> {
    const added: Subscription[] = [];
    const rows = tagNames.filter((name) => name !== BROADCAST_TAG);
    if (rows.length > 0)
      added.push(
        ...(await this.database.kysely
          .insertInto('subscription')
          .values(rows.map((name) => ({ application_id: applicationId, tag_name: name, device_seq: deviceSeq })))
          .onConflict((conflict) => conflict.doNothing())
          .returning(['tag_name', 'id'])
          .execute()
          .then((inserted) => inserted.map((row) => ({ tagName: row.tag_name, subscriptionId: String(row.id) })))),
      );
    if (tagNames.includes(BROADCAST_TAG) && (await this.setBroadcast(deviceSeq, true)))
      added.push({ tagName: BROADCAST_TAG, subscriptionId: BROADCAST_TAG });
    return added;
  }

  /** The names that the device had. */
  async remove(applicationId: string, deviceSeq: number, tagNames: readonly string[]): Promise<string[]> {
    const rows = await this.database.kysely
      .deleteFrom('subscription')
      .where('application_id', '=', applicationId)
      .where('device_seq', '=', deviceSeq)
      .where('tag_name', 'in', tagNames)
      .returning('tag_name')
      .execute();
    const removed = rows.map((row) => row.tag_name);
    if (tagNames.includes(BROADCAST_TAG) && (await this.setBroadcast(deviceSeq, false))) removed.push(BROADCAST_TAG);
    return removed;
  }

  private async setBroadcast(deviceSeq: number, broadcast: boolean): Promise<boolean> {
    const changed = await this.database.kysely
      .updateTable('device')
      .set({ broadcast })
      .where('seq', '=', deviceSeq)
      .where('broadcast', '<>', broadcast)
      .returning('seq')
      .executeTakeFirst();
    return changed !== undefined;
  }
}
