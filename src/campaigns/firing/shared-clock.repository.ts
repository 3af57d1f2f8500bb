import { Inject, Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import { DATABASE } from '../../database/database.module.js';
import type { Database } from '../../database/database.js';

/** The database's clock, which all processes share, because their own may differ by seconds. Tests replace it. */
@Injectable()
export class SharedClock {
  constructor(@Inject(DATABASE) private readonly database: Database) {}

  /** Epoch ms. */
  async now(): Promise<number> {
    const { rows } = await sql<{ now: Date }>`select clock_timestamp() as now`.execute(this.database.kysely);
    return rows[0]!.now.getTime();
  }
}
