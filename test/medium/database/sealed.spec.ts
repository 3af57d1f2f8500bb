import { sql } from 'kysely';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { SEALED_COLUMNS } from '../../../src/commands/sealed-columns.js';
import { Vault } from '../../../src/common/vault.js';
import { sealedValues } from '../../../src/database/sealed.js';
import { SEALED_TOKENS } from '../../../src/applications/shared-token.repository.js';
import { Room } from '../delivery/room.js';

let room: Room;
beforeAll(async () => {
  room = await Room.open();
});
afterAll(() => room.remove());

/** Columns with bytes that are no secrets of ours: hashes, outcomes. */
const UNSEALED = [
  'audit_chain.folded_hash',
  'audit_chain.hash',
  'audit_event.hash',
  'batch.outcomes',
  'campaign.request_hash',
  'device.token_hash',
  'message.request_hash',
];

it('every column with bytes is sealed and known to the change of the key, or holds no secret', async () => {
  const { rows } = await sql<{ name: string }>`
    select table_name || '.' || column_name as name from information_schema.columns
    where data_type = 'bytea' and table_schema = ${room.database.schema} order by 1`.execute(room.database.kysely);
  const known = [...SEALED_COLUMNS.map(({ table, column }) => `${table}.${column}`), ...UNSEALED];
  expect(rows.map(({ name }) => name)).toEqual(known.toSorted());
});

const vault = new Vault(Buffer.alloc(32, 1));
const NAMES = Array.from({ length: 1_203 }, (_, index) => `name ${index}`);

it('reads the values of more rows than a lot has, each once, while others are written', async () => {
  const { kysely } = room.database;
  const times = { minted_at: new Date(0), expires_at: new Date(0) };
  const insert = (names: string[]) =>
    kysely
      .insertInto('shared_token')
      .values(names.map((name) => ({ name, token: vault.seal(name, SEALED_TOKENS.contextOf(name)), ...times })))
      .execute();
  await insert(NAMES);
  const seen: string[] = [];
  for await (const { context, value } of sealedValues(room.database, SEALED_TOKENS)) {
    seen.push(vault.open(value, context));
    if (seen.length === 700) await insert(['!before', '~behind']);
  }
  expect(seen.toSorted()).toEqual([...NAMES, '~behind'].toSorted());
});

it('replaces a value only if it is still the one that was read', async () => {
  const { kysely } = room.database;
  const other = vault.seal('other', 'shared_token/name 0');
  for await (const { context, replace } of sealedValues(room.database, SEALED_TOKENS)) {
    if (context === 'shared_token/name 1') expect(await replace(other)).toBe(true);
    if (context !== 'shared_token/name 0') continue;
    await kysely.updateTable('shared_token').set({ token: other }).where('name', '=', 'name 0').execute();
    expect(await replace(vault.seal('late', context))).toBe(false);
  }
  const { token } = await kysely
    .selectFrom('shared_token')
    .select('token')
    .where('name', '=', 'name 0')
    .executeTakeFirstOrThrow();
  expect(token.equals(other)).toBe(true);
});
