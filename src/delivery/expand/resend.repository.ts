import { Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import type { Tables } from '../../database/tables.js';
import { AudienceRepository } from '../../devices/audience.repository.js';
import type { AudienceMember } from '../../devices/audience.repository.js';
import { BATCH_SIZE } from '../batching.js';
import type { ProviderName } from '../../providers/provider.js';

/** Batches of the original read at once: 100 of 9 KB. Batches without a wanted outcome are not read. */
const BATCHES_PER_PAGE = 100;
/** Members per page: ten batches, plus at most one for the original's batch at the end of the page. */
const PAGE = 10 * BATCH_SIZE;

interface Source {
  id: number;
  provider: ProviderName;
  device_seqs: number[];
  outcomes: Buffer;
}

/** The audience of a resend: deliveries of a finished message with certain outcomes. */
@Injectable()
export class ResendRepository {
  constructor(private readonly audience: AudienceRepository) {}

  /**
   * The next members, from the original's batches above `after`; `cursor` is the last batch read completely. A device
   * uses its current provider. A removed device stays in the audience and settles as gone.
   */
  async page(
    original: { applicationId: string; id: string },
    outcomes: readonly number[],
    after: number,
    transaction: Kysely<Tables>,
  ): Promise<{ members: AudienceMember[]; cursor: number; more: boolean }> {
    const wanted = new Set(outcomes);
    const sources = await this.sources(original, outcomes, after, transaction);
    const members: AudienceMember[] = [];
    let [used, cursor] = [0, after];
    for (const { id, provider, device_seqs: seqs, outcomes: bytes } of sources) {
      if (members.length >= PAGE) break;
      for (const [position, seq] of seqs.entries())
        if (wanted.has(bytes[position] ?? 0)) members.push({ seq, provider });
      used++;
      cursor = id;
    }
    const now = await this.audience.providersOf(
      members.map((member) => member.seq),
      transaction,
    );
    for (const member of members) member.provider = now.get(member.seq) ?? member.provider;
    const more = used < sources.length || sources.length === BATCHES_PER_PAGE;
    return { members: members.toSorted((a, b) => a.seq - b.seq), cursor, more };
  }

  private async sources(
    original: { applicationId: string; id: string },
    outcomes: readonly number[],
    after: number,
    transaction: Kysely<Tables>,
  ): Promise<Source[]> {
    // PostgreSQL counts array positions from 1. A finished message has only done batches, which the index has in the
    // order of id.
    const wanted = outcomes.map((code) => sql`counts[${sql.lit(code + 1)}]`);
    const { rows } = await sql<Source>`
      select id, provider, device_seqs, outcomes from batch
      where state = 'done' and id > ${after} and message_seq = (
          select seq from message where application_id = ${original.applicationId} and message.id = ${original.id})
        and ${sql.join(wanted, sql` + `)} > 0
      order by id limit ${BATCHES_PER_PAGE}`.execute(transaction);
    return rows;
  }
}
