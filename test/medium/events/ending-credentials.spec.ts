import { sql } from 'kysely';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { EventRepository } from '../../../src/events/event.repository.js';
import { Room } from '../delivery/room.js';

const DAY_MS = 86_400_000;

let room: Room;
let events: EventRepository;
beforeAll(async () => {
  room = await Room.open();
  events = new EventRepository(room.database);
});
afterAll(() => room.remove());

it('credentials that end soon are told once a day, by one of several schedulers', async () => {
  const applicationId = await room.addApplication();
  await events.want(applicationId, { eventTypes: ['credential.expiring'], labels: null, campaigns: null });
  const endOf = (days: number): string => new Date(Date.now() + days * DAY_MS).toISOString();
  for (const [provider, days] of [
    ['apns', 3],
    ['fcm', 15],
    ['wns', -1],
  ] as const)
    await sql`insert into provider_setting (application_id, provider, version, secret, visible, updated_at)
      values (${applicationId}, ${provider}, 1, '', ${JSON.stringify({ validUntil: endOf(days) })}::jsonb, now())`.execute(
      room.database.kysely,
    );
  const read = async () => {
    while ((await events.place()) > 0);
    const { events: found } = await events.read(applicationId, null, null, 100);
    return found.map(({ body }) => (JSON.parse(body) as { data: { provider: string } }).data.provider).toSorted();
  };

  await Promise.all([events.noteEnding(), events.noteEnding()]);
  await events.noteEnding();
  expect(await read()).toEqual(['apns', 'wns']);
  await sql`update event set created_at = created_at - interval '25 hours'`.execute(room.database.kysely);
  await events.noteEnding();
  expect(await read()).toEqual(['apns', 'apns', 'wns', 'wns']);
});
