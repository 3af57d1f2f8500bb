import { Inject, Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import { setTimeout as delay } from 'node:timers/promises';
import { bigints } from '../database/bigints.js';
import { DATABASE } from '../database/database.module.js';
import type { Database } from '../database/database.js';

/** Whose batches. */
export type Leased = { applicationId: string } | { messageSeqs: readonly number[] };

/**
 * How long the answer to a stop waits for the workers. They take back what is not written within 200 ms (delivery/deliver/recall.ts)
 * and then wait for the provider; one that was killed says nothing until its lease has run out, after 10 s.
 */
const PATIENCE_MS = 3_000;
const LOOK_EVERY_MS = 50;

/**
 * Where a batch's counts have the deliveries in flight (delivery/outcome.ts; PostgreSQL counts from 1). A claim that only
 * settles what was stopped has none.
 */
const IN_FLIGHT = 2;

/** The workers' leases, for whoever has stopped something and promises that nothing more of it is written. */
@Injectable()
export class LeaseRepository {
  constructor(@Inject(DATABASE) private readonly database: Database) {}

  /** After the commit of a stop: true when no worker is sending any of it; false: one still was, three seconds later. */
  async awaitEnd(of: Leased): Promise<boolean> {
    const deadline = performance.now() + PATIENCE_MS;
    await this.awaitClaims(of);
    while (await this.anyHeld(of)) {
      if (performance.now() >= deadline) return false;
      await delay(LOOK_EVERY_MS);
    }
    return true;
  }

  /** A claim that read the rows before the stop may commit after it: it holds its batch's row until then. */
  private async awaitClaims(of: Leased): Promise<void> {
    await sql`
      select id from batch where ${belongsTo(of)} and (state = 'ready' and due_at <= clock_timestamp()
        or state = 'leased' and lease_until < clock_timestamp())
      for key share`.execute(this.database.kysely);
  }

  private async anyHeld(of: Leased): Promise<boolean> {
    const { rows } = await sql`
      select from batch where state = 'leased' and lease_until >= clock_timestamp() and counts[${sql.lit(IN_FLIGHT)}] > 0
        and ${belongsTo(of)} limit 1`.execute(this.database.kysely);
    return rows.length > 0;
  }
}

function belongsTo(of: Leased): RawBuilder<boolean> {
  return 'applicationId' in of
    ? sql<boolean>`application_id = ${of.applicationId}`
    : sql<boolean>`message_seq = any(${bigints(of.messageSeqs)})`;
}
