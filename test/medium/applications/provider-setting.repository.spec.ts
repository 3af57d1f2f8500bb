import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ApplicationRepository } from '../../../src/applications/application.repository.js';
import { settingsRevision } from '../../../src/applications/provider-setting.repository.js';
import { AuditRepository } from '../../../src/auth/audit.repository.js';
import { Room } from '../delivery/room.js';

describe('provider settings', () => {
  let room: Room;
  beforeAll(async () => {
    room = await Room.open();
  });
  afterAll(() => room.remove());

  it('encrypts the secret part, bound to its row, under a new version each time', async () => {
    const [one, other] = [await room.addApplication(), await room.addApplication()];
    const settings = { visible: { keyId: 'K' }, secret: { key: 'open sesame' } };
    await room.settings.put(one, 'apns', settings);
    const first = await room.settings.find(one, 'apns');
    expect(first).toMatchObject(settings);
    await room.settings.put(one, 'apns', settings);
    expect((await room.settings.find(one, 'apns'))!.version).toBeGreaterThan(first!.version);
    const { rows } = await sql<{ row: string }>`
      select provider_setting::text || encode(secret, 'escape') as row from provider_setting`.execute(
      room.database.kysely,
    );
    expect(rows[0]?.row).toContain('"keyId"');
    expect(rows[0]?.row).not.toContain('sesame');
    await room.settings.put(other, 'apns', settings);
    await sql`update provider_setting set secret = (select secret from provider_setting where application_id = ${one})
      where application_id = ${other}`.execute(room.database.kysely);
    await expect(room.settings.find(other, 'apns')).rejects.toThrow('does not open');
  });

  it('the second of two editors is refused, also if both are the first; a pause and its end are no change', async () => {
    const applicationId = await room.addApplication();
    const put = (keyId: string, revisions?: readonly string[]) =>
      room.settings.put(applicationId, 'apns', { visible: { keyId }, secret: {} }, undefined, revisions);
    const refused = { code: 'CARIL0412E' };
    await expect(put('A', ['earlier'])).rejects.toMatchObject(refused);
    const firsts = await Promise.allSettled([put('A', []), put('B', [])]);
    expect(firsts.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
    const first = settingsRevision((await room.settings.find(applicationId, 'apns'))!);
    const { version } = (await room.settings.find(applicationId, 'apns'))!;
    await room.settings.pause(applicationId, 'apns', version, { reason: 'refused', by: 'provider' });
    await room.settings.resume(applicationId, 'apns');
    const second = await put('C', [first]);
    expect(settingsRevision((await room.settings.find(applicationId, 'apns'))!)).toBe(second);
    await expect(put('D', [first])).rejects.toMatchObject(refused);
    // The same visible part with another secret.
    await put('C');
    await expect(put('D', [second])).rejects.toMatchObject(refused);
  });

  it('writes audit events for settings and for the end of an application, without a secret', async () => {
    const applicationId = await room.addApplication();
    const actor = { clientId: 'ops', address: '192.0.2.7' };
    await room.settings.put(applicationId, 'fcm', { visible: {}, secret: { key: 'open sesame' } }, actor);
    expect(await room.settings.remove(applicationId, 'fcm', actor)).toBe(true);
    // Removing missing settings writes no event.
    expect(await room.settings.remove(applicationId, 'fcm', actor)).toBe(false);
    await room.settings.put(applicationId, 'upstream', { visible: {}, secret: {} }, actor);
    expect(await room.settings.removeUnused(applicationId, 'upstream', actor)).toBe('removed');
    await new ApplicationRepository(room.database).markRemoved(applicationId, new Date(), actor);
    const events = (await new AuditRepository(room.database).list(100)).filter(
      ({ subject }) => subject === applicationId,
    );
    expect(events.map(({ action, detail }) => [action, detail])).toEqual([
      ['application.delete', {}],
      ['provider_setting.delete', { provider: 'upstream' }],
      ['provider_setting.put', { provider: 'upstream', secret: 'set' }],
      ['provider_setting.delete', { provider: 'fcm' }],
      ['provider_setting.put', { provider: 'fcm', secret: 'set' }],
    ]);
    for (const event of events) expect(event.actor).toEqual(actor);
    expect(JSON.stringify(events)).not.toContain('sesame');
  });
});
