import 'reflect-metadata';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ITSELF } from '../../../src/auth/audit.repository.js';
import { SessionRepository } from '../../../src/auth/session/session.repository.js';
import { hashOf, vaultOf } from '../../../src/auth/session/session.js';
import type { PersonNews } from '../../../src/auth/session/session.js';
import { Clock } from '../../../src/common/clock.js';
import type { Database } from '../../../src/database/database.js';
import { PLACES, openPlace } from '../database/places.js';
import { AuthRoom, ROOT } from './auth-room.js';

const ADDRESS = '192.0.2.1';
const CALLER = { address: ADDRESS, requestId: 'request' };
const ANNA = { subject: 'a-1', name: 'Anna', email: 'anna@example.test' };

describe.each(PLACES)('sessions on %s', (place) => {
  let database: Database;
  let remove: () => Promise<void>;
  /** Two processes of one installation. */
  let here: AuthRoom;
  let there: AuthRoom;
  let count = 0;

  beforeAll(async () => {
    ({ database, remove } = await openPlace(place));
    const clock = new Clock();
    here = await AuthRoom.open(database, clock);
    there = await AuthRoom.open(database, clock);
    await here.clients.create(ITSELF, { id: 'root', secret: 'root-secret', allowedScope: '*' });
  });
  afterAll(() => remove());

  /** A client that has signed in here and is known there. */
  async function signIn(allowedScope = 'messages.* push.*'): Promise<{ id: string; cookie: string }> {
    const id = `client-${count++}`;
    await here.clients.create(ROOT, { id, allowedScope });
    const cookie = await here.sessions.beginClient(here.snapshot.find(id)!, CALLER);
    expect(await there.sessions.find(cookie, true)).toMatchObject({ clientId: id, person: null });
    return { id, cookie };
  }

  /** Like the poll of each second. */
  const passSecond = () => Promise.all([here.feed.refresh(), there.feed.refresh()]);
  const findBoth = async (cookie: string) =>
    Promise.all([here, there].map((room) => room.sessions.find(cookie, true).then((found) => found !== null)));
  const setSeen = (cookie: string, ago: string, column = 'seen_at') =>
    database.pool.query(
      `update ${database.schema}.console_session set ${column} = now() - $1::interval where hash = $2`,
      [ago, hashOf(cookie)],
    );

  it('is in the database as a hash, and in the audit', async () => {
    const { id, cookie } = await signIn();
    const rows = await database.kysely.selectFrom('console_session').selectAll().execute();
    expect(JSON.stringify(rows)).not.toContain(cookie);
    expect((await here.audit.list(1))[0]).toMatchObject({ action: 'session.create', subject: id });
  });

  it.each(['', 'x', 'A'.repeat(43), 'A'.repeat(44)])('finds nothing for %j', async (cookie) => {
    expect(await here.sessions.find(cookie, true)).toBeNull();
  });

  it('ends in every process with the client: disabled, deleted, or with another secret', async () => {
    const ends: ((id: string) => Promise<unknown>)[] = [
      (id) => here.clients.update(ROOT, id, { enabled: false }),
      (id) => here.clients.remove(ROOT, id),
      (id) => here.clients.rotateSecret(ROOT, id, {}, 0),
    ];
    for (const end of ends) {
      const { id, cookie } = await signIn();
      await end(id);
      await passSecond();
      expect(await findBoth(cookie)).toEqual([false, false]);
    }
  });

  it('does not come back with a new client of the same id', async () => {
    const { id, cookie } = await signIn();
    await here.clients.remove(ROOT, id);
    await here.clients.create(ROOT, { id, allowedScope: '*' });
    await passSecond();
    expect(await findBoth(cookie)).toEqual([false, false]);
  });

  it('stays when the secret is rotated with an overlap', async () => {
    const { id, cookie } = await signIn();
    await here.clients.rotateSecret(ROOT, id, {}, 60_000);
    await passSecond();
    expect(await findBoth(cookie)).toEqual([true, true]);
  });

  it('narrows with the client, and does not widen', async () => {
    const { id, cookie } = await signIn('messages.* push.*');
    const grants = async () => (await there.sessions.find(cookie, true))?.grants;
    await here.clients.update(ROOT, id, { allowedScope: 'messages.read push.*' });
    await passSecond();
    expect(await grants()).toEqual([['push.*', 'messages.read']]);
    await here.clients.update(ROOT, id, { allowedScope: '*' });
    await passSecond();
    expect(await grants()).toEqual([['messages.*', 'push.*']]);
  });

  it('is over in every process after signing out, which the audit tells', async () => {
    const { id, cookie } = await signIn();
    const session = await here.sessions.find(cookie, false);
    await here.sessions.end({ clientId: id, address: ADDRESS }, session!);
    await passSecond();
    expect(await findBoth(cookie)).toEqual([false, false]);
    expect((await here.audit.list(1))[0]).toMatchObject({ action: 'session.end', subject: id });
  });

  it('is over after half an hour without a request, and requests of another process extend it', async () => {
    const { cookie } = await signIn();
    await setSeen(cookie, '20 minutes');
    await Promise.all([here, there].map((room) => forget(room)));
    expect(await there.sessions.find(cookie, true)).not.toBeNull();
    // The other process has read a row that was older.
    const seen = (await here.sessions.find(cookie, false))!.seenAt;
    expect(Math.abs(seen - Date.now())).toBeLessThan(10_000);
    await setSeen(cookie, '30 minutes');
    await Promise.all([here, there].map((room) => forget(room)));
    expect(await findBoth(cookie)).toEqual([false, false]);
  });

  it('is not extended by a page that refreshes itself', async () => {
    const { cookie } = await signIn();
    await setSeen(cookie, '20 minutes');
    await forget(here);
    const before = (await here.sessions.find(cookie, false))!.seenAt;
    await forget(here);
    expect((await here.sessions.find(cookie, false))!.seenAt).toBe(before);
    expect((await here.sessions.find(cookie, true))!.seenAt).toBeGreaterThan(before);
  });

  it('is over at its end, however often it is used', async () => {
    const { cookie } = await signIn();
    await setSeen(cookie, '0 seconds', 'ends_at');
    await Promise.all([here, there].map((room) => forget(room)));
    expect(await findBoth(cookie)).toEqual([false, false]);
  });

  it('a person has the scopes of the roles, ends after an hour, and is named in the audit', async () => {
    const grants = [
      ['messages.read', 'push.application.a'],
      ['campaigns.write', 'push.application.b'],
    ];
    const cookie = await here.sessions.beginPerson(ANNA, { grants, credentials: 'token' }, CALLER);
    const found = await there.sessions.find(cookie, true);
    expect(found).toMatchObject({ clientId: 'person:a-1', person: ANNA, grants, name: 'Anna' });
    expect(found!.endsAt - Date.now()).toBeGreaterThan(3_500_000);
    expect(found!.endsAt - Date.now()).toBeLessThanOrEqual(3_610_000);
    expect((await here.audit.list(1))[0]).toMatchObject({
      action: 'session.create',
      actor: { clientId: 'person:a-1', person: ANNA },
    });
  });

  describe('a person that the identity provider is asked about again', () => {
    const WIDE = [['messages.*', 'push.application.*']];
    const NARROW = [['messages.read', 'push.application.*']];
    /** Subject and tokens of each question. */
    const asked: string[] = [];
    let answer: PersonNews | null = null;

    beforeAll(() => {
      for (const room of [here, there])
        room.sessions.checkPeopleBy((person, { credentials }) => {
          asked.push(`${person.subject} ${credentials}`);
          return Promise.resolve(answer);
        });
    });

    /** Signed in two minutes ago, and known in both processes. */
    async function signedIn(): Promise<string> {
      const cookie = await here.sessions.beginPerson(ANNA, { grants: WIDE, credentials: 'first' }, CALLER);
      expect(await findBoth(cookie)).toEqual([true, true]);
      await wait(cookie);
      return cookie;
    }
    async function wait(cookie: string): Promise<void> {
      await setSeen(cookie, '2 minutes', 'checked_at');
      await Promise.all([here, there].map((room) => forget(room)));
      asked.length = 0;
    }

    it('is not asked about sooner', async () => {
      asked.length = 0;
      const cookie = await here.sessions.beginPerson(ANNA, { grants: WIDE, credentials: 'first' }, CALLER);
      expect(await findBoth(cookie)).toEqual([true, true]);
      expect(asked).toEqual([]);
    });

    it('loses rights in every process, by one question with the newest tokens', async () => {
      const cookie = await signedIn();
      answer = { grants: NARROW, credentials: 'second' };
      const found = await Promise.all([here, there, here].map((room) => room.sessions.find(cookie, true)));
      expect(found.every((each) => each !== null)).toBe(true);
      expect(asked).toEqual(['a-1 first']);
      await passSecond();
      for (const room of [here, there]) expect((await room.sessions.find(cookie, true))?.grants).toEqual(NARROW);
      await wait(cookie);
      await there.sessions.find(cookie, true);
      expect(asked).toEqual(['a-1 second']);
    });

    it('is signed out in every process when nothing of it is valid, which the audit tells', async () => {
      const cookie = await signedIn();
      answer = null;
      expect(await there.sessions.find(cookie, false)).toBeNull();
      await passSecond();
      expect(await findBoth(cookie)).toEqual([false, false]);
      expect((await here.audit.list(1))[0]).toMatchObject({
        action: 'session.end',
        subject: 'person:a-1',
        actor: { clientId: 'carillon', person: ANNA },
      });
    });

    it('has its tokens in no form in the database that opens without the cookie', async () => {
      const cookie = await here.sessions.beginPerson(ANNA, { grants: WIDE, credentials: 'readable' }, CALLER);
      const { credentials } = await database.kysely
        .selectFrom('console_session')
        .selectAll()
        .where('hash', '=', hashOf(cookie)!)
        .executeTakeFirstOrThrow();
      const bytes = Buffer.from(credentials!, 'base64');
      expect(bytes.includes('readable')).toBe(false);
      expect(() => vaultOf(hashOf(cookie)!).open(bytes, 'console_session')).toThrow('does not open');
      expect(vaultOf(cookie).open(bytes, 'console_session')).toBe('readable');
    });
  });

  it('a ticket opens its path once, in any process, within a minute and while its session lives', async () => {
    const { id, cookie } = await signIn();
    const session = (await here.sessions.find(cookie, false))!;
    const path = '/imfpush/v1/apps/a/devices:export';
    const first = await here.sessions.makeTicket(session, path);
    expect(await there.sessions.useTicket(first, `${path}?x=1`)).toBeNull();
    const uses = await Promise.all([here, there, here].map((room) => room.sessions.useTicket(first, path)));
    expect(uses.filter((use) => use !== null)).toHaveLength(1);
    expect(await there.sessions.useTicket(cookie, path)).toBeNull();

    const late = await here.sessions.makeTicket(session, path);
    await database.kysely
      .updateTable('console_ticket')
      .set({ ends_at: new Date(Date.now() - 60_000) })
      .where('hash', '=', hashOf(late)!)
      .execute();
    expect(await there.sessions.useTicket(late, path)).toBeNull();

    const orphan = await here.sessions.makeTicket(session, path);
    await here.sessions.end({ clientId: id, address: ADDRESS }, session);
    expect(await there.sessions.useTicket(orphan, path)).toBeNull();
  });

  it('rows of what is over are removed', async () => {
    const { cookie } = await signIn();
    const kept = await signIn();
    await setSeen(cookie, '31 minutes');
    await new SessionRepository(database).removeEnded();
    const hashes = await database.kysely.selectFrom('console_session').select('hash').execute();
    expect(hashes.map(({ hash }) => hash)).not.toContain(hashOf(cookie));
    expect(hashes.map(({ hash }) => hash)).toContain(hashOf(kept.cookie));
  });

  /** Like a sign-out of any session: the process reads all rows again. */
  async function forget(room: AuthRoom): Promise<void> {
    await database.pool.query(
      `update ${database.schema}.auth_change set version = version + 1 where subject = 'console_session'`,
    );
    await room.feed.refresh();
  }
});
