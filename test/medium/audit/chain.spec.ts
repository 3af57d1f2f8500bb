import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ChainRepository } from '../../../src/audit/chain.repository.js';
import { Verification } from '../../../src/audit/verification.js';
import type { Checkpoint } from '../../../src/audit/verification.js';
import { AuditRepository, recordAudit } from '../../../src/auth/audit.repository.js';
import type { Database } from '../../../src/database/database.js';
import { inTransaction } from '../../../src/database/transaction.js';
import { PLACES, openPlace } from '../database/places.js';

const ACTOR = { clientId: 'ann', address: '192.0.2.1', requestId: 'r-1', userAgent: 'Thing/1 "ü" ]' };

describe.each(PLACES)('the chain of the audit on %s', (place) => {
  let database: Database;
  let remove: () => Promise<void>;
  let chains: ChainRepository;
  let events: AuditRepository;
  beforeAll(async () => {
    ({ database, remove } = await openPlace(place));
    chains = new ChainRepository(database);
    events = new AuditRepository(database);
  });
  afterAll(() => remove());
  beforeEach(async () => {
    await sql`truncate audit_event restart identity`.execute(database.kysely);
    await sql`update audit_chain set seq = 0, hash = '', folded_seq = 0, folded_hash = ''`.execute(database.kysely);
  });

  const record = (subject: string, detail: Record<string, unknown> = { a: 1, text: 'line\nü "]' }) =>
    events.record(ACTOR, { action: 'tag.create', subject, detail });
  async function chainAll(repository = chains): Promise<void> {
    while (await repository.chainSome());
  }
  /** Ten events in the chain. */
  async function chainTen(): Promise<void> {
    for (let n = 1; n <= 10; n++) await record(`event-${n}`);
    await chainAll();
  }
  const run = (statement: string) => sql.raw(statement).execute(database.kysely);
  const verify = (checkpoints: readonly Checkpoint[] = []): Promise<string[]> =>
    chains.read(async (chain, steps, waiting) => {
      const verification = new Verification(chain, checkpoints);
      for await (const some of steps) for (const event of some) verification.add(event);
      return verification.end(waiting);
    });
  const checkpoint = (): Promise<Checkpoint> =>
    chains.read(({ seq, hash }) => Promise.resolve({ seq, hash: hash.toString('hex') }));

  it('is one chain under concurrent writers and several processes', async () => {
    const others = [new ChainRepository(database), new ChainRepository(database)];
    const writers = Array.from({ length: 4 }, async (_each, writer) => {
      for (let n = 0; n < 300; n++) await record(`${writer}-${n}`);
    });
    let isOver = false;
    const keepers = others.map(async (each) => {
      while (!isOver) await chainAll(each);
    });
    await Promise.all(writers);
    isOver = true;
    await Promise.all(keepers);
    await chainAll();
    expect(await verify()).toEqual([]);
    expect(await checkpoint()).toMatchObject({ seq: 1_200 });
  });

  it('has an event that was committed late behind the others, and none that was rolled back', async () => {
    await inTransaction(database, async (tx) => {
      await recordAudit(tx, ACTOR, { action: 'client.create', subject: 'late', detail: {} });
      // The embedded place has connections of its own for each of these as well.
      await record('early');
      await chainAll();
    });
    await inTransaction(database, async (tx) => {
      await recordAudit(tx, ACTOR, { action: 'client.create', subject: 'never', detail: {} });
      throw new Error('undone');
    }).catch(() => undefined);
    await record('last');
    await chainAll();
    const { rows } = await sql<{ subject: string }>`select subject from audit_event order by seq`.execute(
      database.kysely,
    );
    expect(rows.map(({ subject }) => subject)).toEqual(['early', 'late', 'last']);
    expect(await verify()).toEqual([]);
  });

  const CHANGED = (n: number) => expect.stringMatching(new RegExp(`^Event ${n} \\(.*was changed by hand`)) as unknown;
  it.each<[string, string, (n: number) => unknown]>([
    ['subject', `update audit_event set subject = 'x' where seq = 4`, CHANGED],
    ['detail', `update audit_event set detail = '{"a":2}' where seq = 4`, CHANGED],
    ['client', `update audit_event set client_id = 'ben' where seq = 4`, CHANGED],
    ['time', `update audit_event set at = at - interval '1 second' where seq = 4`, CHANGED],
    ['outcome', `update audit_event set outcome = 'refused' where seq = 4`, CHANGED],
    ['request', `update audit_event set request_id = null where seq = 4`, CHANGED],
    ['id', `update audit_event set id = default where seq = 4`, CHANGED],
    ['hash', `update audit_event set hash = sha256('') where seq = 4`, CHANGED],
    [
      'place in the chain',
      `update audit_event set seq = 11 where seq = 10`,
      () => 'Event 10 is missing: removed by hand',
    ],
    ['neighbour', `delete from audit_event where seq = 4`, () => 'Event 4 is missing: removed by hand'],
  ])('names an event whose %s was changed', async (_what, statement, line) => {
    await chainTen();
    expect(await verify()).toEqual([]);
    await run(statement);
    expect((await verify())[0]).toEqual(line(4));
    if (line === CHANGED) expect(await verify()).toHaveLength(1);
  });

  it('names events that were cut from the beginning, from the middle and from the end', async () => {
    await chainTen();
    await run('delete from audit_event where seq in (1, 2, 5, 6, 10)');
    expect(await verify()).toEqual([
      'Events 1 to 2 are missing: removed by hand',
      'Events 5 to 6 are missing: removed by hand',
      'Event 10 is missing at the end: removed by hand',
    ]);
  });

  it('names two events that were exchanged', async () => {
    await chainTen();
    await run('update audit_event set seq = -seq where seq in (4, 7)');
    await run('update audit_event set seq = 11 + seq where seq in (-4, -7)');
    expect(await verify()).toEqual([CHANGED(4), CHANGED(5), CHANGED(7)]);
  });

  it('names an event that was put in', async () => {
    await chainTen();
    await run(`insert into audit_event (client_id, action, subject, address, detail, seq, hash)
      values ('eve', 'tag.create', 'x', '', '{}', 11, sha256(''))`);
    expect(await verify()).toEqual([CHANGED(11), 'Event 11 is not of the chain: put in by hand at the end']);
    await run('delete from audit_event where seq = 11');
    await run('update audit_event set seq = seq + 100 where seq > 4');
    await run('update audit_event set seq = seq - 99 where seq > 100');
    await run(`insert into audit_event (client_id, action, subject, address, detail, seq, hash)
      values ('eve', 'tag.create', 'x', '', '{}', 5, sha256(''))`);
    expect((await verify())[0]).toEqual(CHANGED(5));
  });

  it('that was cut at the end, or written anew, differs from a checkpoint', async () => {
    await chainTen();
    const kept = await checkpoint();
    await record('later');
    await chainAll();
    expect(await verify([kept])).toEqual([]);
    await run('delete from audit_event where seq > 8');
    await run('update audit_chain set seq = 8, hash = (select hash from audit_event where seq = 8)');
    expect(await verify()).toEqual([]);
    expect(await verify([kept])).toEqual([
      'A checkpoint has event 10, which is not in the chain: the chain was cut, or is another one',
    ]);
    await run(`update audit_event set subject = 'other', seq = null, hash = null`);
    await run(`update audit_chain set seq = 0, hash = ''`);
    await record('nine');
    await record('ten');
    await chainAll();
    expect(await verify()).toEqual([]);
    expect(await verify([kept])).toEqual(['Event 10 is not the one of a checkpoint: the chain was written anew']);
  });

  it('loses old events from its beginning, and stays whole', async () => {
    await chainTen();
    const kept = await checkpoint();
    const { at } = (await events.list(1))[0]!;
    expect(await chains.fold(new Date(at.getTime() - 86_400_000))).toBe(false);
    expect(await events.list(100)).toHaveLength(10);
    await new Promise((resolve) => setTimeout(resolve, 5));
    const cut = new Date();
    await record('young');
    await chainAll();
    expect(await chains.fold(cut)).toBe(false);
    await chainAll();
    expect((await events.list(100)).map(({ action, subject }) => [action, subject])).toEqual([
      ['audit.fold', ''],
      ['tag.create', 'young'],
    ]);
    expect(await verify([kept, { seq: 3, hash: 'old' }])).toEqual([]);
    await run(`delete from audit_event where action = 'tag.create'`);
    expect(await verify()).toEqual(['Event 11 is missing: removed by hand']);
  });

  it('is not cut by its age where it was changed', async () => {
    await chainTen();
    await run(`update audit_event set subject = 'x' where seq = 4`);
    await expect(chains.fold(new Date(Date.now() + 60_000))).rejects.toThrow('event 4 is not as it was chained');
    expect(await events.list(100)).toHaveLength(10);
  });

  it('that was cut at its beginning by hand, as if by age, says so', async () => {
    await chainTen();
    await run('delete from audit_event where seq < 5');
    await run(`update audit_chain set folded_seq = 4, folded_hash = sha256('')`);
    expect(await verify()).toContain(
      'The events up to 4 are missing, and no event says that they were removed by their age',
    );
  });
});
