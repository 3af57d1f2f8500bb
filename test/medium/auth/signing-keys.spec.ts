import { decodeProtectedHeader } from 'jose';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Database } from '../../../src/database/database.js';
import { openPlace } from '../database/places.js';
import { AuthRoom, ROOT, SetClock } from './auth-room.js';

const MINUTE = 60_000;
const CLIENT = { id: 'test', generation: 1 };

describe('signing keys', () => {
  let database: Database;
  let remove: () => Promise<void>;
  let clock: SetClock;
  let here: AuthRoom;
  let there: AuthRoom;

  beforeEach(async () => {
    ({ database, remove } = await openPlace());
    clock = new SetClock(Date.UTC(2026, 0, 1));
    here = await AuthRoom.open(database, clock);
    there = await AuthRoom.open(database, clock);
  });
  afterEach(() => remove());

  const kidOf = (token: string) => decodeProtectedHeader(token).kid;
  const published = (room: AuthRoom) => room.keys.publicSet().keys.map(({ kid }) => kid);

  it('publishes a new key first, signs with it after its lead, and verifies with the old one until its last token ends', async () => {
    const old = here.keys.current().kid;
    const made = await here.keys.rotate(ROOT, { leadMs: 2 * MINUTE });
    await there.feed.refresh();
    for (const room of [here, there]) {
      expect(room.keys.current().kid).toBe(old);
      expect(published(room)).toEqual([old, made?.kid]);
    }
    clock.time += 2 * MINUTE - 1;
    const last = there.accessTokens.issue(CLIENT, 'a');
    expect(kidOf(last)).toBe(old);
    clock.time += 1;
    expect(kidOf(there.accessTokens.issue(CLIENT, 'a'))).toBe(made?.kid);
    clock.time += 59 * MINUTE;
    expect(await here.accessTokens.read(last)).toMatchObject({ clientId: 'test' });
    clock.time += 6 * MINUTE;
    expect(published(here)).toEqual([made?.kid]);
  });

  it('looks up an unknown key before it refuses a token', async () => {
    await here.keys.rotate(ROOT, { leadMs: 0 });
    clock.time += 1;
    const token = here.accessTokens.issue(CLIENT, 'a');
    expect(published(there)).not.toContain(kidOf(token));
    expect(await there.accessTokens.read(token)).toMatchObject({ clientId: 'test' });
  });

  it('signs with the last of several rotations, at once without a lead, and logs no key', async () => {
    await here.keys.rotate(ROOT, { leadMs: 10 * MINUTE });
    const fast = await there.keys.rotate(ROOT, { leadMs: 0 });
    expect(there.keys.current().kid).toBe(fast?.kid);
    clock.time += 10 * MINUTE + 1;
    expect(there.keys.current().kid).toBe(fast?.kid);
    const [event] = await here.audit.list(1);
    expect(event).toMatchObject({ actor: ROOT, action: 'signing_key.rotate', subject: fast?.kid });
    expect(JSON.stringify(event)).not.toMatch(/"[dxy]"|PRIVATE/);
  });

  const DAY = 24 * 60 * MINUTE;

  it.each([91 * DAY, 75 * 365 * DAY])(
    'a key made while the clock was %s ms ahead delays no later rotation',
    async (ahead) => {
      const leaked = here.keys.current().kid;
      clock.step = ahead;
      await here.keys.rotate(ROOT, { leadMs: 2 * MINUTE });
      clock.step = 0;
      const made = await here.keys.rotate(ROOT, { leadMs: 0 });
      await there.feed.refresh();
      for (const room of [here, there, await AuthRoom.open(database, clock)]) {
        expect(room.keys.current().kid).toBe(made?.kid);
        expect(kidOf(room.accessTokens.issue(CLIENT, 'a'))).toBe(made?.kid);
      }
      const planned = await here.keys.rotate(ROOT, { leadMs: 2 * MINUTE });
      expect(here.keys.current().kid).toBe(made?.kid);
      clock.time += 2 * MINUTE;
      expect(here.keys.current().kid).toBe(planned?.kid);
      clock.time += 64 * MINUTE;
      // The clock that was ahead had set its end.
      expect(published(here)).not.toContain(leaked);
    },
  );

  it('after a first start in 2100 and a correction of the clock, rotations sign and the key is replaced by itself', async () => {
    await database.kysely.deleteFrom('signing_key').execute();
    clock.step = 74 * 365 * DAY;
    const first = await AuthRoom.open(database, clock);
    const { kid } = first.keys.current();
    clock.step = 0;
    expect(first.keys.current().kid).toBe(kid);
    const made = await first.keys.rotate(ROOT, { leadMs: 0 });
    expect(first.keys.current().kid).toBe(made?.kid);
    clock.step = 74 * 365 * DAY;
    const ahead = await first.keys.rotate(ROOT, { leadMs: 0 });
    clock.step = 0;
    first.keys.onApplicationBootstrap();
    try {
      await vi.waitFor(() => expect(published(first).at(-1)).not.toBe(ahead?.kid), { timeout: 20_000 });
    } finally {
      first.keys.beforeApplicationShutdown();
    }
    clock.time += 3 * MINUTE;
    expect([made?.kid, ahead?.kid]).not.toContain(first.keys.current().kid);
  });

  it('the first process that looks replaces keys over ninety days old, once, and deletes ended ones', async () => {
    const old = here.keys.current().kid;
    clock.time += 91 * 24 * 60 * MINUTE;
    for (const room of [here, there]) room.keys.onApplicationBootstrap();
    try {
      await vi.waitFor(
        async () => {
          await Promise.all([here.feed.refresh(), there.feed.refresh()]);
          for (const room of [here, there]) expect(published(room)).toHaveLength(2);
        },
        { timeout: 20_000 },
      );
      // Resource servers have the new key two minutes before its first signature.
      for (const room of [here, there]) expect(room.keys.current().kid).toBe(old);
    } finally {
      for (const room of [here, there]) room.keys.beforeApplicationShutdown();
    }
    clock.time += 24 * 60 * MINUTE;
    await here.keys.rotate(ROOT, { leadMs: 0 });
    const rows = await database.kysely.selectFrom('signing_key').select('kid').execute();
    expect(rows.map(({ kid }) => kid)).not.toContain(old);
    expect(rows).toHaveLength(2);
  });
});
