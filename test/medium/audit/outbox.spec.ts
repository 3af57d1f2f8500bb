import { appendFileSync, mkdtempSync, readFileSync, renameSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { AuditSender } from '../../../src/audit/audit-sender.js';
import { ChainRepository } from '../../../src/audit/chain.repository.js';
import { OutboxRepository } from '../../../src/audit/outbox.repository.js';
import { AuditRepository } from '../../../src/auth/audit.repository.js';
import type { Config } from '../../../src/config.js';
import type { Database } from '../../../src/database/database.js';
import { SystemRepository } from '../../../src/health/system.repository.js';
import { PLACES, openPlace } from '../database/places.js';
import { TlsCollector } from './tls-collector.js';

const ACTOR = { clientId: 'ann', address: '192.0.2.1', userAgent: 'Thing ] " \\ ü\u2028' };
const MESSAGE = /^<(\d+)>1 (\S+Z) (\S+) carillon (\d+) (\S+) \[meta sequenceId="(\d+)"\] (\{.*\})$/;

describe.each(PLACES)('the outbox of the audit on %s', (place) => {
  let database: Database;
  let remove: () => Promise<void>;
  let chains: ChainRepository;
  let events: AuditRepository;
  let collector: TlsCollector;
  beforeAll(async () => {
    ({ database, remove } = await openPlace(place));
    chains = new ChainRepository(database);
    events = new AuditRepository(database);
    collector = await TlsCollector.open();
  });
  afterAll(async () => {
    await collector.goAway();
    await remove();
  });
  beforeEach(async () => {
    await sql`truncate audit_event restart identity`.execute(database.kysely);
    await sql`update audit_chain set seq = 0, hash = '', folded_seq = 0, folded_hash = ''`.execute(database.kysely);
    await sql`update audit_outbox set receiver = null, sent_seq = 0, leased_until = '-infinity'`.execute(
      database.kysely,
    );
    collector.frames.length = 0;
    collector.isStill = false;
  });

  async function record(count: number, detail: Record<string, unknown> = {}): Promise<void> {
    for (let n = 0; n < count; n++) await events.record(ACTOR, { action: 'tag.create', subject: `s-${n}`, detail });
    while (await chains.chainSome());
  }
  /** A process of its own. */
  async function sender(audit: Omit<Config['audit'], 'retentionDays'>): Promise<AuditSender> {
    const outbox = new OutboxRepository(database);
    await outbox.setReceiver(audit.file ? 'file' : 'syslog');
    return new AuditSender({ audit: { ...audit, retentionDays: 0 } }, outbox);
  }
  const syslog = () => sender({ syslog: { host: '127.0.0.1', port: collector.port, ca: collector.ca } });
  const state = () => new SystemRepository(database).audit();
  const received = () => collector.frames.map((frame) => Number(MESSAGE.exec(frame)![6]));
  const upTo = (last: number) => Array.from({ length: last }, (_each, index) => index + 1);

  it('sends each event as one frame that parses, whatever it contains', async () => {
    await record(1, { text: 'line\nline\r\n "]\\ üß€😀', long: 'ä'.repeat(100_000) });
    await (await syslog()).send();
    const [, priority, , , pid, action, seq, json] = MESSAGE.exec(collector.frames[0]!)!;
    expect([priority, pid, action, seq]).toEqual(['110', String(process.pid), 'tag.create', '1']);
    const [{ hash, detail, actor }] = (await events.list(1)) as [Awaited<ReturnType<typeof events.list>>[0]];
    expect(JSON.parse(json!)).toMatchObject({
      seq: 1,
      hash: hash!.toString('hex'),
      detail,
      userAgent: actor.userAgent,
    });
    expect(collector.frames[0]).toMatch(/^[\x20-\x7e]*$/);
  });

  it('loses nothing and keeps the order while the receiver is away, and stands still', async () => {
    const one = await syslog();
    await record(3);
    await one.send();
    await collector.goAway();
    await record(500);
    await one.send();
    expect(await state()).toMatchObject({
      receiver: 'syslog',
      behind: 500,
      error: expect.stringContaining('ECONNREFUSED') as unknown,
    });
    collector.isStill = true;
    await collector.listen();
    await one.send();
    expect(await state()).toMatchObject({ behind: 500, error: 'the receiver does not answer' });
    await collector.goAway();
    collector.isStill = false;
    await collector.listen();
    await one.send();
    expect(received()).toEqual(upTo(503));
    expect(await state()).toMatchObject({ behind: 0, oldestAt: null, error: null });
  });

  it('is sent by one process at a time, and by another one after it has died', async () => {
    const [one, other] = [await syslog(), await syslog()];
    await record(250);
    await collector.goAway();
    await one.send();
    await collector.listen();
    // The lease is of the first one.
    await other.send();
    expect(collector.frames).toEqual([]);
    await sql`update audit_outbox set leased_until = now()`.execute(database.kysely);
    await other.send();
    expect(received()).toEqual(upTo(250));
  });

  it('trusts the named authority only', async () => {
    await record(1);
    const stranger = await sender({ syslog: { host: '127.0.0.1', port: collector.port } });
    await stranger.send();
    expect(await state()).toMatchObject({ behind: 1, error: expect.stringMatching(/certificate/) as unknown });
    expect(collector.frames).toEqual([]);
  });

  it('is a file that may be moved away, and whose last line may be torn', async () => {
    const file = join(mkdtempSync(join(tmpdir(), 'carillon-audit-')), 'audit.ndjson');
    const one = await sender({ file });
    await record(2);
    await one.send();
    appendFileSync(file, '{"seq":');
    await record(1);
    await one.send();
    const lines = readFileSync(file, 'utf8').split('\n');
    expect(lines.map((line) => /"seq":(\d+)/.exec(line)?.[1])).toEqual(['1', '2', undefined, '3', undefined]);
    renameSync(file, `${file}.1`);
    await record(1);
    await one.send();
    expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({ seq: 4 });
  });

  it('keeps events from the removal by age until they are sent', async () => {
    const one = await syslog();
    await record(5);
    const cut = new Date(Date.now() + 60_000);
    expect(await chains.fold(cut)).toBe(false);
    expect(await events.list(100)).toHaveLength(5);
    await one.send();
    await chains.fold(cut);
    expect((await events.list(100)).map(({ action }) => action)).toEqual(['audit.fold']);
  });
});
