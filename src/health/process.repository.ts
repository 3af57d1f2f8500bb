import { Inject, Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import { DATABASE } from '../database/database.module.js';
import type { Database } from '../database/database.js';
import { LOST_S, MISSING_S, lastSeen } from '../database/processes.js';
import type { Tables } from '../database/tables.js';
import type { Role } from '../role.js';

export interface ProcessIdentity {
  id: string;
  /** As in the log: `api 1`, `worker 2`. */
  name: string;
  roles: Role[];
  version: string;
  host: string;
  /** Id of the master key that seals here. */
  keyId: string;
  /** Version of the time zone rules of its Node. */
  zoneRules: string;
}

export interface ProcessReport extends Omit<ProcessIdentity, 'keyId' | 'zoneRules'> {
  /** Null: a process of the release before; of its clock also. */
  zoneRules: string | null;
  /** Ms that the clock of its host is ahead of the database's. */
  clockAheadMs: number | null;
  startedAt: Date;
  seenAt: Date;
  isLost: boolean;
}

/** A role without a process, while something waits for it. */
export interface MissingRole {
  role: 'worker' | 'scheduler';
  /** Null: none was seen in the last hour. */
  since: Date | null;
}

const FORGOTTEN_S = 3_600;

/** The rows of processes. */
@Injectable()
export class ProcessRepository {
  constructor(@Inject(DATABASE) private readonly database: Database) {}

  /** Writes that the process runs, and forgets processes that ended or were lost an hour ago. */
  async beat(
    { id, name, roles, version, host, keyId, zoneRules }: ProcessIdentity,
    clockAheadMs: number,
  ): Promise<void> {
    await sql`
      with forgotten as (
        delete from process
        where coalesce(ended_at, seen_at) < now() - make_interval(secs => ${FORGOTTEN_S}) and id <> ${id})
      insert into process (id, name, roles, version, host, key_id, zone_rules, clock_ahead_ms, started_at, seen_at)
      values (${id}, ${name}, ${roles}::text[], ${version}, ${host}, ${keyId}, ${zoneRules}, ${clockAheadMs}, now(), now())
      on conflict (id) do update set clock_ahead_ms = excluded.clock_ahead_ms, seen_at = now(), ended_at = null`.execute(
      this.database.kysely,
    );
  }

  /** The process has stopped in order. */
  async end(id: string): Promise<void> {
    await sql`update process set ended_at = now() where id = ${id}`.execute(this.database.kysely);
  }

  /** Those that run, and those lost within the last hour. */
  async list(): Promise<ProcessReport[]> {
    const { rows } = await sql<ProcessReport>`
      select id, name, roles, version, host, zone_rules as "zoneRules", clock_ahead_ms as "clockAheadMs",
        started_at as "startedAt", seen_at as "seenAt",
        seen_at < now() - make_interval(secs => ${LOST_S}) as "isLost"
      from process where ended_at is null order by host, name, started_at`.execute(this.database.kysely);
    return rows;
  }

  /**
   * Each `exists` is one look-up in an index of open rows, and made only if the role is missing. A worker of a version
   * without a row shows by its lease.
   */
  async missing(db: Kysely<Tables> = this.database.kysely): Promise<MissingRole[]> {
    const { rows } = await sql<MissingRole>`
      select role, since from (values
          ('worker', ${lastSeen('worker')}),
          ('scheduler', ${lastSeen('scheduler')})) as seen (role, since)
      where (since is null or since < now() - make_interval(secs => ${MISSING_S})) and case role
        when 'worker' then
          not exists (select from batch where state = 'leased' and lease_until > now())
          and (exists (select from batch where state = 'ready' and due_at <= now())
            or exists (select from batch where state = 'waiting')
            or exists (select from message where state in ('accepted', 'expanding') and paused_at is null
              and (expand_at is null or expand_at <= now())))
        else
          exists (select from campaign where state = 'active' and due_at <= now())
          or exists (select from campaign_wave where state = 'waiting' and due_at <= now())
          or exists (select from message where state = 'scheduled' and send_at <= now()) end`.execute(db);
    return rows;
  }

  /** Those that were seen lately and seal under another master key, or do not say under which. */
  async withOtherKey(keyId: string): Promise<{ name: string; host: string; seenAt: Date }[]> {
    const { rows } = await sql<{ name: string; host: string; seenAt: Date }>`
      select name, host, seen_at as "seenAt" from process
      where ended_at is null and seen_at > now() - make_interval(secs => ${MISSING_S})
        and key_id is distinct from ${keyId}
      order by host, name`.execute(this.database.kysely);
    return rows;
  }
}
