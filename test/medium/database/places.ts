import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inject } from 'vitest';
import { openDatabase } from '../../../src/database/database.js';
import type { Database } from '../../../src/database/database.js';
import { createDatabase, onServer } from '../../harness/servers.js';

export type Place = 'embedded' | 'PostgreSQL';

const postgresUrl = inject('postgresUrl');

/** For the specs that hold the embedded database to the same as a server; the others need one of them. */
export const PLACES: readonly Place[] = ['embedded', 'PostgreSQL'];

/** A database of the caller's own; `remove` closes and deletes it. */
export async function openPlace(
  place: Place = 'PostgreSQL',
): Promise<{ database: Database; remove: () => Promise<void> }> {
  return place === 'embedded' ? openFolder() : openOnServer(postgresUrl);
}

export function newFolder(): string {
  return mkdtempSync(join(tmpdir(), 'carillon-'));
}

async function openFolder(): Promise<{ database: Database; remove: () => Promise<void> }> {
  const dataDir = newFolder();
  cpSync(inject('embeddedFolder'), dataDir, { recursive: true });
  const database = await openDatabase({ dataDir });
  const remove = async () => {
    await database.close();
    rmSync(dataDir, { recursive: true });
  };
  return { database, remove };
}

async function openOnServer(serverUrl: string): Promise<{ database: Database; remove: () => Promise<void> }> {
  const databaseUrl = await createDatabase(serverUrl, inject('postgresTemplate'));
  const database = await openDatabase({ databaseUrl, dataDir: '' });
  const remove = async () => {
    await database.close();
    await onServer(serverUrl, `drop database ${new URL(databaseUrl).pathname.slice(1)} with (force)`);
  };
  return { database, remove };
}
