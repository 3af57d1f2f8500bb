import { Inject, Injectable, Logger } from '@nestjs/common';
import type { OnApplicationBootstrap } from '@nestjs/common';
import { Interval } from '@nestjs/schedule';
import { HOUR_MS } from '../common/durations.js';
import { rootCause } from '../common/errors.js';
import { DATABASE } from '../database/database.module.js';
import type { Database } from '../database/database.js';
import { buildLateIndexes } from '../database/late-indexes.js';

/** Builds indexes that a migration has left out on a large table. A stop ends a build; the next start begins anew. */
@Injectable()
export class IndexKeeper implements OnApplicationBootstrap {
  private readonly log = new Logger('IndexKeeper');
  private isBuilding = false;

  constructor(@Inject(DATABASE) private readonly database: Database) {}

  onApplicationBootstrap(): void {
    void this.build();
  }

  /** Idle, it costs one look at the catalogue. */
  @Interval(HOUR_MS)
  async build(): Promise<void> {
    if (this.isBuilding) return;
    this.isBuilding = true;
    try {
      const built = await buildLateIndexes(this.database);
      if (built.length > 0) this.log.log(`Indexes are built: ${built.join(', ')}`);
    } catch (error) {
      this.log.warn(
        `Indexes for searches cannot be built, and searches are slow without them; npm run migrate, as the owner of the tables, builds them: ${rootCause(error)}`,
      );
    } finally {
      this.isBuilding = false;
    }
  }
}
