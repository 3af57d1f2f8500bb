import { sql } from 'kysely';
import { CampaignApproval } from '../../../src/campaigns/campaign-approval.js';
import { CampaignRepository } from '../../../src/campaigns/campaign.repository.js';
import type { Campaign, CampaignChange } from '../../../src/campaigns/campaign.repository.js';
import type { Definition } from '../../../src/campaigns/campaign.js';
import { planNext } from '../../../src/campaigns/firing/firing.js';
import { FiringRepository } from '../../../src/campaigns/firing/firing.repository.js';
import { FiringService } from '../../../src/campaigns/firing/firing.service.js';
import { SharedClock } from '../../../src/campaigns/firing/shared-clock.repository.js';
import { OverlapRepository } from '../../../src/campaigns/firing/overlap.repository.js';
import { RunRepository } from '../../../src/campaigns/run.repository.js';
import { WaveRepository } from '../../../src/campaigns/firing/wave.repository.js';
import { WaveService } from '../../../src/campaigns/firing/wave.service.js';
import { openDatabase } from '../../../src/database/database.js';
import type { Database } from '../../../src/database/database.js';
import { inTransaction } from '../../../src/database/transaction.js';
import { BatchRepository } from '../../../src/delivery/batch.repository.js';
import { ExpandService } from '../../../src/delivery/expand/expand.service.js';
import { ExpansionRepository } from '../../../src/delivery/expand/expansion.repository.js';
import { MessageRateRepository } from '../../../src/delivery/expand/message-rate.repository.js';
import { ReachRepository } from '../../../src/delivery/expand/reach.repository.js';
import { ResendRepository } from '../../../src/delivery/expand/resend.repository.js';
import { AudienceRepository } from '../../../src/devices/audience.repository.js';
import { MessageControlRepository } from '../../../src/messages/control/message-control.repository.js';
import { AcceptanceService } from '../../../src/messages/send/acceptance.service.js';
import { newMessageId } from '../../../src/messages/send/message-id.js';
import { SavedAudienceRepository } from '../../../src/messages/send/saved-audience.repository.js';
import { MessageInsertRepository } from '../../../src/messages/send/message-insert.repository.js';

export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;

/** The clock of the database as a test sets it, epoch ms. */
export class SetClock extends SharedClock {
  constructor(
    database: Database,
    public at: number,
  ) {
    super(database);
  }

  override now(): Promise<number> {
    return Promise.resolve(this.at);
  }
}

/** One scheduling process: the real services over their own connections, and a clock that the test sets. */
export class Scheduling {
  readonly campaigns: CampaignRepository;
  readonly firings: FiringService;
  readonly waves: WaveService;
  readonly runs: RunRepository;
  readonly expansions: ExpandService;
  readonly batches: BatchRepository;
  readonly reach: ReachRepository;
  readonly control: MessageControlRepository;

  constructor(readonly database: Database) {
    const audience = new AudienceRepository(database);
    const rates = new MessageRateRepository();
    this.reach = new ReachRepository(database);
    this.batches = new BatchRepository(database);
    this.control = new MessageControlRepository(database, this.batches, rates);
    this.runs = new RunRepository(database);
    const overlaps = new OverlapRepository(this.control);
    this.campaigns = new CampaignRepository(database, overlaps);
    const acceptance = new AcceptanceService(database, new MessageInsertRepository(database), this.batches);
    const saved = new SavedAudienceRepository(database);
    this.waves = new WaveService(database, new WaveRepository(), overlaps, audience, rates, acceptance, saved);
    const approval = new CampaignApproval(saved, audience);
    this.firings = new FiringService(database, new FiringRepository(database), overlaps, this.waves, approval);
    this.expansions = new ExpandService(
      database,
      new ExpansionRepository(),
      audience,
      this.batches,
      new ResendRepository(audience),
      rates,
      this.reach,
    );
  }

  /** One look of the scheduler. Returns the seqs of its messages. */
  async look(now: number): Promise<number[]> {
    const made: number[] = [];
    for (const step of [() => this.firings.fireDue(now), () => this.waves.sendDue(now)])
      for (let more = true; more;) {
        const sent = await step();
        made.push(...sent.messageSeqs);
        more = sent.more;
      }
    return made;
  }
}

/** A process, with helpers that fill and read its tables. */
export class SchedulingRoom extends Scheduling {
  /** URL of its PostgreSQL. */
  url(): string {
    return this.database.url;
  }

  /** Another process on the same PostgreSQL. */
  async join(): Promise<{ scheduling: Scheduling; close: () => Promise<void> }> {
    const database = await openDatabase({ databaseUrl: this.url(), dataDir: '' });
    return { scheduling: new Scheduling(database), close: () => database.close() };
  }

  async addApplication(): Promise<string> {
    const id = `com.acme.${newMessageId()}`;
    await this.database.kysely.insertInto('application').values({ id }).execute();
    return id;
  }

  /** An active campaign; `now`: when it was activated. */
  async addCampaign(
    applicationId: string,
    now: number,
    definition: Partial<Definition> & Pick<Definition, 'schedule'>,
    id = newMessageId(),
  ): Promise<{ seq: number; id: string; definition: Definition }> {
    const whole = { name: 'test', content: { message: { alert: 'hi' } }, ...definition };
    const draft = { applicationId, id, clientId: 'test', definition: whole, idempotency: null };
    await this.campaigns.add(draft, new Date(now));
    const next = planNext(whole, id, now);
    if (!next) throw new Error('it never fires');
    const { seq } = await this.changeCampaign(applicationId, id, new Date(now), { state: 'active', next });
    return { seq, id, definition: whole };
  }

  changeCampaign(applicationId: string, id: string, now: Date, change: CampaignChange): Promise<Campaign> {
    return inTransaction(this.database, async (tx) => {
      const campaign = await this.campaigns.lock(applicationId, id, tx);
      return this.campaigns.update(campaign?.seq ?? 0, change, now, tx);
    });
  }

  /** While `work` runs, the database refuses updates of a table after which a row fulfils the condition. */
  async whileRefused<T>(table: 'campaign' | 'campaign_wave', condition: string, work: () => Promise<T>): Promise<T> {
    const { pool } = this.database;
    await pool.query(`
      create function refuse() returns trigger language plpgsql as $$ begin
        if ${condition} then raise exception 'refused by the test' using errcode = 'check_violation'; end if;
        return new;
      end $$;
      create trigger refused before update on ${table} for each row execute function refuse()`);
    try {
      return await work();
    } finally {
      await pool.query(`drop trigger refused on ${table}; drop function refuse`);
    }
  }

  /** Ends the campaigns of earlier tests. */
  async retireAll(): Promise<void> {
    await this.database.kysely.updateTable('campaign').set({ state: 'draft', due_at: null }).execute();
    await this.database.kysely
      .updateTable('campaign_wave')
      .set({ state: 'cancelled' })
      .where('state', '=', 'waiting')
      .execute();
  }

  /** Messages of a campaign in order. */
  async messagesOf(campaignSeq: number): Promise<number[]> {
    const rows = await this.database.kysely
      .selectFrom('campaign_message')
      .innerJoin('campaign_wave', 'campaign_wave.seq', 'campaign_message.wave_seq')
      .innerJoin('campaign_run', 'campaign_run.seq', 'campaign_wave.run_seq')
      .select('message_seq')
      .where('campaign_seq', '=', campaignSeq)
      .orderBy('message_seq')
      .execute();
    return rows.map((row) => row.message_seq);
  }

  /** A device per description. */
  async addDevices(
    applicationId: string,
    devices: readonly {
      deviceId: string;
      userId?: string;
      timeZone?: string;
      language?: string;
      appVersion?: string;
      platform?: string;
      attributes?: Record<string, unknown>;
    }[],
  ): Promise<void> {
    await sql`
      insert into device (application_id, device_id, platform, provider, token, token_hash, user_id, language, time_zone,
        app_version, attributes, registered_at, updated_at)
      select ${applicationId}, "deviceId", coalesce(platform, 'A'), 'sandbox', "deviceId", sha256("deviceId"::bytea), "userId",
        language, "timeZone", "appVersion", coalesce(attributes, '{}'), now(), now()
      from jsonb_to_recordset(${JSON.stringify(devices)}::jsonb) as given("deviceId" text, "userId" text, "timeZone" text,
        language text, "appVersion" text, platform text, attributes jsonb)`.execute(this.database.kysely);
  }

  /** Expands messages completely and returns the reached devices. */
  async expand(messageSeqs: readonly number[]): Promise<string[]> {
    for (const seq of messageSeqs) while ((await this.expansions.expandPage(seq)).more);
    const { rows } = await sql<{ device_id: string }>`
      select device.device_id from batch, unnest(batch.device_seqs) as member(seq) join device on device.seq = member.seq
      where batch.message_seq = any(${`{${messageSeqs.join(',')}}`}::bigint[]) order by device.device_id`.execute(
      this.database.kysely,
    );
    return rows.map((row) => row.device_id);
  }

  /** Ends messages as if all their deliveries had an outcome. */
  async finish(messageSeqs: readonly number[]): Promise<void> {
    await sql`
      update message set state = 'finished', finished_at = now()
      where state <> 'finished' and seq = any(${`{${messageSeqs.join(',')}}`}::bigint[])`.execute(this.database.kysely);
  }

  async runRows(campaignSeq: number) {
    return this.database.kysely
      .selectFrom('campaign_run')
      .selectAll()
      .where('campaign_seq', '=', campaignSeq)
      .orderBy('scheduled_at')
      .execute();
  }

  async campaignRow(seq: number) {
    return this.database.kysely.selectFrom('campaign').selectAll().where('seq', '=', seq).executeTakeFirstOrThrow();
  }

  async messageRow(seq: number) {
    return this.database.kysely.selectFrom('message').selectAll().where('seq', '=', seq).executeTakeFirstOrThrow();
  }
}
