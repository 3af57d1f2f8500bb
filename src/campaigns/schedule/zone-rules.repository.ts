import { Inject, Injectable, Logger } from '@nestjs/common';
import type { BeforeApplicationShutdown, OnApplicationBootstrap } from '@nestjs/common';
import { sql } from 'kysely';
import { hostname } from 'node:os';
import { HOUR_MS } from '../../common/durations.js';
import { Rounds } from '../../common/rounds.js';
import { DATABASE } from '../../database/database.module.js';
import type { Database } from '../../database/database.js';

const EVERY_MS = HOUR_MS;
/** Hours after which a version counts as that of a process that has ended. */
const SHOWN_H = 2;

/**
 * Time zone rules come with Node (process.versions.tz) and change several times a year: processes with different
 * versions compute different times. Each process that plans keeps its version in the table and warns of different ones.
 */
@Injectable()
export class ZoneRulesRepository implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly log = new Logger('Campaigns');
  private readonly rounds = new Rounds(this.log, 'Comparing the time zone rules of processes', () => this.tell());
  private warned = '';

  constructor(@Inject(DATABASE) private readonly database: Database) {}

  async onApplicationBootstrap(): Promise<void> {
    await this.rounds.go();
    this.rounds.every(EVERY_MS);
  }

  beforeApplicationShutdown(): void {
    // Does not wait: the next start compares again.
    void this.rounds.end();
  }

  /** Stores the version of this process, and warns of different versions of other processes, once per set. */
  async tell(version = process.versions.tz ?? 'unknown', host = hostname()): Promise<void> {
    const { kysely } = this.database;
    await sql`
      insert into zone_rules (version, host, told_at) values (${version}, ${host}, now())
      on conflict (version) do update set host = excluded.host, told_at = excluded.told_at`.execute(kysely);
    const { rows } = await sql<{ version: string; host: string }>`
      select version, host from zone_rules
      where version <> ${version} and told_at > now() - ${SHOWN_H} * interval '1 hour' order by version`.execute(
      kysely,
    );
    const others = rows.map((other) => `${other.version} on ${other.host}`).join(', ');
    if (others !== '' && others !== this.warned)
      this.log.warn(
        `Processes have different time zone rules: ${version} on ${host}, ${others}. They may compute different times for campaigns: run all with the same Node`,
      );
    this.warned = others;
  }
}
