import { sql } from 'kysely';
import { ProviderSettingRepository } from '../../../src/applications/provider-setting.repository.js';
import { Vault } from '../../../src/common/vault.js';
import type { Database } from '../../../src/database/database.js';
import type { BatchState } from '../../../src/database/tables.js';
import { BatchRepository } from '../../../src/delivery/batch.repository.js';
import { ClaimService } from '../../../src/delivery/deliver/claim.service.js';
import { ClaimRepository } from '../../../src/delivery/deliver/claim.repository.js';
import type { LeasedBatch } from '../../../src/delivery/batch.js';
import { UrgentBatchRepository } from '../../../src/delivery/deliver/urgent-batch.repository.js';
import { MessageRateRepository } from '../../../src/delivery/expand/message-rate.repository.js';
import { PaceService } from '../../../src/delivery/deliver/pace.service.js';
import { PaceRepository } from '../../../src/delivery/deliver/pace.repository.js';
import type { NewBatch } from '../../../src/delivery/batching.js';
import { ExpandService } from '../../../src/delivery/expand/expand.service.js';
import { ExpansionRepository } from '../../../src/delivery/expand/expansion.repository.js';
import { OUTCOME, OUTCOME_NAMES } from '../../../src/delivery/outcome.js';
import type { OutcomeName } from '../../../src/delivery/outcome.js';
import { ReachRepository } from '../../../src/delivery/expand/reach.repository.js';
import { ResendRepository } from '../../../src/delivery/expand/resend.repository.js';
import { ScheduledRepository } from '../../../src/delivery/upkeep/scheduled.repository.js';
import { SweepRepository } from '../../../src/delivery/upkeep/sweep.repository.js';
import { AudienceRepository } from '../../../src/devices/audience.repository.js';
import { newMessageId } from '../../../src/messages/send/message-id.js';
import { MessageControlRepository } from '../../../src/messages/control/message-control.repository.js';
import { AcceptanceService } from '../../../src/messages/send/acceptance.service.js';
import { MessageInsertRepository } from '../../../src/messages/send/message-insert.repository.js';
import { MessageRepository } from '../../../src/messages/send/message.repository.js';
import type { NewMessage } from '../../../src/messages/send/new-message.js';
import { ReportRepository } from '../../../src/messages/report/report.repository.js';
import type { ProviderName } from '../../../src/providers/provider.js';
import { openPlace } from '../database/places.js';

const HOUR = 3_600_000;

/**
 * The repositories and transactions of delivery, built by hand on a separate database, with helpers that read the rows.
 */
export class Room {
  readonly audience: AudienceRepository;
  readonly pace: PaceService;
  readonly batches: BatchRepository;
  readonly claims: ClaimService;
  readonly urgent: UrgentBatchRepository;
  readonly expansions: ExpandService;
  readonly scheduled: ScheduledRepository;
  readonly sweep: SweepRepository;
  readonly acceptance: AcceptanceService;
  readonly messages: MessageRepository;
  readonly reports: ReportRepository;
  readonly control: MessageControlRepository;
  readonly settings: ProviderSettingRepository;

  private constructor(
    readonly database: Database,
    readonly remove: () => Promise<void>,
  ) {
    this.audience = new AudienceRepository(database);
    this.pace = new PaceService(database, new PaceRepository());
    this.batches = new BatchRepository(database);
    this.claims = new ClaimService(database, new ClaimRepository(), this.pace);
    this.urgent = new UrgentBatchRepository(database, this.batches);
    this.expansions = new ExpandService(
      database,
      new ExpansionRepository(),
      this.audience,
      this.batches,
      new ResendRepository(this.audience),
      new MessageRateRepository(),
      new ReachRepository(database),
    );
    this.scheduled = new ScheduledRepository(database);
    this.sweep = new SweepRepository(database);
    this.acceptance = new AcceptanceService(database, new MessageInsertRepository(database), this.batches);
    this.messages = new MessageRepository(database);
    this.reports = new ReportRepository(database);
    this.control = new MessageControlRepository(database, this.batches, new MessageRateRepository());
    this.settings = new ProviderSettingRepository(database, new Vault(Buffer.alloc(32)));
  }

  static async open(): Promise<Room> {
    const { database, remove } = await openPlace();
    return new Room(database, remove);
  }

  /** An application for one test. */
  async addApplication(): Promise<string> {
    const id = `com.acme.${newMessageId()}`;
    await this.database.kysely.insertInto('application').values({ id }).execute();
    return id;
  }

  /** Accepts a message; with `batches` null it has to be expanded. Returns its seq and its batch ids in order. */
  async accept(
    applicationId: string,
    batches: NewBatch[] | null,
    change: Partial<NewMessage> = {},
  ): Promise<{ seq: number; id: string; batchIds: number[]; queued: number[] }> {
    const id = newMessageId();
    const now = Date.now();
    const message: NewMessage = {
      applicationId,
      id,
      clientId: 'test',
      body: { message: { alert: 'hi' } },
      notification: { alert: 'hi', collapseId: id },
      target: {},
      urgent: false,
      onUnknown: 'resend',
      idempotency: null,
      acceptedAt: new Date(now),
      expiresAt: new Date(now + HOUR),
      ...change,
    };
    const { seqs, queued } = await this.acceptance.acceptAll([{ message, batches }]);
    const [seq = null] = seqs;
    if (seq === null) throw new Error('the message was not kept');
    const rows = await this.batchRows(seq);
    return { seq, id, batchIds: rows.map((row) => row.id), queued: queued.map((batch) => batch.id) };
  }

  /** Devices d1, d2, … of the sandbox with tokens t1, t2, …; returns their seqs in order. */
  async addDevices(applicationId: string, count: number): Promise<number[]> {
    const { rows } = await sql<{ seq: number }>`
      insert into device (application_id, device_id, platform, provider, token, token_hash, registered_at, updated_at)
      select ${applicationId}, 'd' || n, 'A', 'sandbox', 't' || n, sha256(('t' || n)::bytea), now(), now()
      from generate_series(1, ${sql.lit(count)}) as n returning seq`.execute(this.database.kysely);
    return rows.map((row) => row.seq);
  }

  /** Claims like a worker of the sandbox; throws if there is nothing to claim. */
  async claim(id: number, now = Date.now()): Promise<LeasedBatch> {
    const batch = await this.tryClaim(id, now);
    if (!batch) throw new Error(`batch ${id} could not be claimed`);
    return batch;
  }

  /** Null if there is nothing to do or its turn comes later. */
  async tryClaim(id: number, now = Date.now()): Promise<LeasedBatch | null> {
    const claimed = await this.claims.claim(id, { needsSettings: false }, now);
    return claimed && 'due' in claimed ? claimed : null;
  }

  /** As if the worker had been lost for longer than its lease. */
  async runOutLease(id: number): Promise<void> {
    await sql`update batch set lease_until = now() - interval '1 millisecond' where id = ${id}`.execute(
      this.database.kysely,
    );
  }

  async seqsToExpand(): Promise<number[]> {
    return (await this.sweep.messagesToExpand()).map(({ seq }) => seq);
  }

  async batchRows(messageSeq: number) {
    return this.database.kysely
      .selectFrom('batch')
      .selectAll()
      .where('message_seq', '=', messageSeq)
      .orderBy('id')
      .execute();
  }

  async batchRow(id: number) {
    return this.database.kysely.selectFrom('batch').selectAll().where('id', '=', id).executeTakeFirstOrThrow();
  }

  async messageRow(seq: number) {
    return this.database.kysely.selectFrom('message').selectAll().where('seq', '=', seq).executeTakeFirstOrThrow();
  }

  async countByState(messageSeq: number): Promise<Partial<Record<BatchState, number>>> {
    const counts: Partial<Record<BatchState, number>> = {};
    for (const { state } of await this.batchRows(messageSeq)) counts[state] = (counts[state] ?? 0) + 1;
    return counts;
  }

  async pause(applicationId: string, provider: ProviderName): Promise<void> {
    await this.settings.put(applicationId, provider, { visible: {}, secret: {} });
    const state = await this.settings.find(applicationId, provider);
    await this.settings.pause(applicationId, provider, state?.version ?? 0, { reason: 'bad key', by: 'provider' });
  }

  async resume(applicationId: string, provider: ProviderName): Promise<void> {
    await this.settings.put(applicationId, provider, { visible: {}, secret: {} });
  }
}

/** One batch of invented devices. */
export function batchOf(size: number, provider: ProviderName = 'sandbox', first = 1): NewBatch {
  return { provider, deviceSeqs: Array.from({ length: size }, (_, index) => first + index) };
}

/** Records the same outcome for all deliveries in flight. */
export function recordAll(batch: LeasedBatch, outcome: OutcomeName): void {
  for (const position of batch.due) batch.ledger.record(position, { outcome: OUTCOME[outcome] }, true);
}

export function namesOf(outcomes: Uint8Array): OutcomeName[] {
  return [...outcomes].map((code) => OUTCOME_NAMES[code] ?? 'pending');
}

/** The URL with which BullMQ opens its own connections to a server. */
