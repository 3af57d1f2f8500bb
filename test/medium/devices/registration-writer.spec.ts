import 'reflect-metadata';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Database } from '../../../src/database/database.js';
import { DeviceRegistrationRepository } from '../../../src/devices/device-registration.repository.js';
import type { DeviceRegistration } from '../../../src/devices/registration.js';
import { RegistrationWriter } from '../../../src/devices/registration-writer.js';
import { openPlace } from '../database/places.js';
import { addApplication, registration } from './stock.js';

const NOW = new Date('2026-11-25T10:00:00Z');

describe('registrations that come together', () => {
  let database: Database;
  let remove: () => Promise<void>;
  let writer: RegistrationWriter;
  let statements = 0;

  beforeAll(async () => {
    ({ database, remove } = await openPlace());
    const kysely = database.kysely.withPlugin({
      transformQuery: ({ node }) => {
        statements++;
        return node;
      },
      transformResult: ({ result }) => Promise.resolve(result),
    });
    writer = new RegistrationWriter(new DeviceRegistrationRepository({ ...database, kysely }));
  });
  afterAll(async () => remove());

  function registerAll(list: readonly [applicationId: string, device: DeviceRegistration][]) {
    return Promise.allSettled(
      list.map(([applicationId, device]) => writer.register({ applicationId, device, now: NOW })),
    );
  }

  /** The results: `device id: token`, or the code of the error. */
  function answersOf(results: Awaited<ReturnType<typeof registerAll>>): string[] {
    return results.map((result) =>
      result.status === 'fulfilled'
        ? `${result.value.deviceId}: ${result.value.token}`
        : (result.reason as { code: string }).code,
    );
  }

  async function holders(applicationId: string): Promise<string[]> {
    const { rows } = await sql<{ text: string }>`
      select device_id || ': ' || token as text from device where application_id = ${applicationId} order by device_id`.execute(
      database.kysely,
    );
    return rows.map((row) => row.text);
  }

  it('share a statement per application, and each gets its own result', async () => {
    const [one, two] = [await addApplication(database), await addApplication(database)];
    const list = Array.from({ length: 60 }, (_, index): [string, DeviceRegistration] => [
      index % 3 === 0 ? two : one,
      // The ids come in no order, so that a result by position would be wrong.
      registration(`d${(index * 37) % 60}`, { token: `t${index}` }),
    ]);
    statements = 0;
    const answers = answersOf(await registerAll(list));
    expect(answers).toEqual(list.map(([, device]) => `${device.deviceId}: ${device.token}`));
    expect(statements).toBe(2);
    expect([(await holders(one)).length, (await holders(two)).length]).toEqual([40, 20]);
  });

  it('of one id or one token count in the order of arrival', async () => {
    const id = await addApplication(database);
    const answers = answersOf(
      await registerAll([
        [id, registration('a', { token: '1' })],
        [id, registration('b', { token: '1' })],
        [id, registration('a', { token: '2' })],
        [id, registration('c', { token: '3' })],
        [id, registration('a', { token: '3' })],
      ]),
    );
    expect(answers).toEqual(['a: 1', 'b: 1', 'a: 2', 'c: 3', 'a: 3']);
    expect(await holders(id)).toEqual(['a: 3', 'b: 1']);
  });

  it('a token that another device has moves to the new one', async () => {
    const id = await addApplication(database);
    await registerAll([[id, registration('old', { token: 'mine' })]]);
    const list = [registration('a'), registration('new', { token: 'mine' }), registration('b')];
    const answers = answersOf(await registerAll(list.map((device) => [id, device])));
    expect(answers).toEqual(list.map(({ deviceId, token }) => `${deviceId}: ${token}`));
    expect((await holders(id)).map((holder) => holder.split(':')[0])).toEqual(['a', 'b', 'new']);
  });

  it('a removed application fails its own registrations only', async () => {
    const id = await addApplication(database);
    const answers = answersOf(
      await registerAll([
        ['com.acme.gone', registration('a')],
        [id, registration('b', { token: 'tb' })],
        ['com.acme.gone', registration('c')],
      ]),
    );
    expect(answers).toEqual(['FPWSE0001E', 'b: tb', 'FPWSE0001E']);
  });

  it('an unknown failure is reported to the registrations of its statement, and the next ones continue', async () => {
    const id = await addApplication(database);
    await sql`create function refuse() returns trigger language plpgsql as $$ begin
      if new.application_id = ${sql.lit(id)} then raise 'out of space' using errcode = '53100'; end if; return new;
      end $$`.execute(database.kysely);
    await sql`create trigger refuse before insert on device for each row execute function refuse()`.execute(
      database.kysely,
    );
    const other = await addApplication(database);
    try {
      const answers = await registerAll([
        [id, registration('a')],
        [other, registration('b', { token: 'tb' })],
        [id, registration('c')],
      ]);
      expect(answersOf(answers)).toEqual(['53100', 'b: tb', '53100']);
    } finally {
      await sql`drop function refuse() cascade`.execute(database.kysely);
    }
    expect(answersOf(await registerAll([[id, registration('a', { token: 'ta' })]]))).toEqual(['a: ta']);
  });
});
