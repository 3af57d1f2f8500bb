import type { Database } from '../../../src/database/database.js';
import { openPlace } from '../database/places.js';
import { SchedulingRoom } from './scheduling.js';

/** A database of one spec file. */
export class CampaignRoom extends SchedulingRoom {
  private constructor(
    database: Database,
    readonly remove: () => Promise<void>,
  ) {
    super(database);
  }

  static async open(): Promise<CampaignRoom> {
    const { database, remove } = await openPlace();
    return new CampaignRoom(database, remove);
  }
}
