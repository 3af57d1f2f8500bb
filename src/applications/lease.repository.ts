import { Inject, Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import { setTimeout as delay } from 'node:timers/promises';
import { bigints } from '../database/bigints.js';
import { DATABASE } from '../database/database.module.js';
import type { Database } from '../database/database.js';

/** The batches: of an application, or of messages. */
export type Leased = { applicationId: string } | { messageSeqs: readonly number[] };

/**
 * How long the answer to a stop waits for the workers. They take back unwritten deliveries within 200 ms
 * (delivery/deliver/recall.ts) and then wait for the provider. The lease of a killed worker runs out after 10 s.
 */
const PATIENCE_MS = 3_000;
const LOOK_EVERY_MS = 50;

/**
 * Index of the deliveries in flight in a batch's counts (delivery/outcome.ts; PostgreSQL counts from 1). A claim that
 * only settles stopped deliveries has none.
 */
const IN_FLIGHT = 2;

/** Reads workers' leases, for a stop that promises that nothing more is sent. */
@Injectable()
export class LeaseRepository {
  constructor(@Inject(DATABASE) private readonly database: Database) {}

  /**
   * Call after the commit of a stop. Returns true if no worker sends any of the batches; false if one still does after
   * three seconds.
   */
  async awaitEnd(of: Leased): Promise<boolean> {
    const deadline = performance.now() + PATIENCE_MS;
    await this.awaitClaims(of);
    while (await this.anyHeld(of)) {
      if (performance.now() >= deadline) return false;
      await delay(LOOK_EVERY_MS);
    }
    return true;
  }

  /**
   * Waits for row locks: a claim that read the rows before the stop may commit after it, and locks its batch's row
   * until then.
   */
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
