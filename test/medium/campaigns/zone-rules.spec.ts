import { Logger } from '@nestjs/common';
import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ZoneRulesRepository } from '../../../src/campaigns/schedule/zone-rules.repository.js';
import type { Database } from '../../../src/database/database.js';
import { openPlace } from '../database/places.js';

describe('versions of the rules of time zones', () => {
  let database: Database;
  let remove: () => Promise<void>;
  let warned: string[];
  beforeEach(async () => {
    ({ database, remove } = await openPlace());
    warned = [];
    vi.spyOn(Logger.prototype, 'warn').mockImplementation((text: unknown) => void warned.push(String(text)));
  }, 60_000);
  afterEach(async () => {
    vi.restoreAllMocks();
    await remove();
  });

  it('names processes that differ in one line, and equal ones in none', async () => {
    await new ZoneRulesRepository(database).tell('2025c', 'one');
    const other = new ZoneRulesRepository(database);
    await other.tell('2025c', 'two');
    expect(warned).toEqual([]);
    await new ZoneRulesRepository(database).tell('2024a', 'old');
    expect(warned).toEqual([expect.stringMatching(/: 2024a on old, 2025c on two\./)]);
    await other.tell('2025c', 'two');
    await other.tell('2025c', 'two');
    expect(warned.slice(1)).toEqual([expect.stringMatching(/: 2025c on two, 2024a on old\./)]);
  });

  it('does not name a process that ended over two hours ago', async () => {
    await new ZoneRulesRepository(database).tell('2024a', 'old');
    await sql`update zone_rules set told_at = now() - interval '121 minutes'`.execute(database.kysely);
    await new ZoneRulesRepository(database).tell();
    expect(warned).toEqual([]);
    const { rows } = await sql<{ version: string }>`select version from zone_rules order by version desc`.execute(
      database.kysely,
    );
    expect(rows[0]).toEqual({ version: process.versions.tz });
  });
});
