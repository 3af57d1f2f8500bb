import { Inject, Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import { DATABASE } from '../../database/database.module.js';
import type { Database } from '../../database/database.js';
import { inTransaction } from '../../database/transaction.js';
import { recordAudit } from '../audit.repository.js';
import type { Actor } from '../audit.repository.js';
import { countChange } from '../change.repository.js';
import { CHECK_MS, IDLE_MS } from './session.js';
import type { PersonNews, Session } from './session.js';

/** Added to `now()` of the database, whose clock decides. */
const after = (ms: number): RawBuilder<Date> => sql<Date>`now() + ${ms} * interval '1 millisecond'`;
const UNCHECKED = sql<Date>`now() - ${CHECK_MS} * interval '1 millisecond'`;
const UNSEEN = sql<Date>`now() - ${IDLE_MS} * interval '1 millisecond'`;

export type NewSession = Omit<Session, 'seenAt' | 'checkedAt' | 'endsAt'>;

@Injectable()
export class SessionRepository {
  constructor(@Inject(DATABASE) private readonly database: Database) {}

  async installationId(): Promise<string> {
    const { id } = await this.database.kysely.selectFrom('installation').select('id').executeTakeFirstOrThrow();
    return id;
  }

  begin(
    actor: Actor,
    { hash, clientId, generation, person, grants, credentials }: NewSession,
    lifeMs: number,
  ): Promise<Session> {
    return inTransaction(this.database, async (tx) => {
      const row = await tx
        .insertInto('console_session')
        .values({
          ...{ hash, client_id: clientId, generation, address: actor.address, credentials },
          person: person && JSON.stringify(person),
          grants: JSON.stringify(grants),
          ends_at: after(lifeMs),
        })
        .returningAll()
        .executeTakeFirstOrThrow();
      await recordAudit(tx, actor, { action: 'session.create', subject: clientId, detail: {} });
      return toSession(row);
    });
  }

  /** Null: there is none, or it is over. */
  async find(hash: string): Promise<Session | null> {
    const row = await this.database.kysely
      .selectFrom('console_session')
      .selectAll()
      .where('hash', '=', hash)
      .where('ends_at', '>', sql<Date>`now()`)
      .where('seen_at', '>', UNSEEN)
      .executeTakeFirst();
    return row ? toSession(row) : null;
  }

  /** Like `find`, and the idle time begins again. */
  async touch(hash: string): Promise<Session | null> {
    const row = await this.database.kysely
      .updateTable('console_session')
      .set({ seen_at: sql<Date>`now()` })
      .where('hash', '=', hash)
      .where('ends_at', '>', sql<Date>`now()`)
      .where('seen_at', '>', UNSEEN)
      .returningAll()
      .executeTakeFirst();
    return row ? toSession(row) : null;
  }

  /** For one caller of all processes, when the time has come: a token of a provider may be good for one use. */
  async claimCheck(hash: string): Promise<Session | null> {
    const row = await this.database.kysely
      .updateTable('console_session')
      .set({ checked_at: sql<Date>`now()` })
      .where('hash', '=', hash)
      .where('checked_at', '<=', UNCHECKED)
      .returningAll()
      .executeTakeFirst();
    return row ? toSession(row) : null;
  }

  /** `isChanged`: every process reads it again within a second. Null: the session is over. */
  renew(hash: string, { grants, credentials }: PersonNews, isChanged: boolean): Promise<Session | null> {
    return inTransaction(this.database, async (tx) => {
      if (isChanged) await countChange(tx, 'console_session');
      const row = await tx
        .updateTable('console_session')
        .set({ grants: JSON.stringify(grants), credentials })
        .where('hash', '=', hash)
        .returningAll()
        .executeTakeFirst();
      return row ? toSession(row) : null;
    });
  }

  /** Every process forgets it within a second. */
  async end(actor: Actor, { hash, clientId }: Pick<Session, 'hash' | 'clientId'>): Promise<void> {
    await inTransaction(this.database, async (tx) => {
      await countChange(tx, 'console_session');
      const { numDeletedRows } = await tx
        .deleteFrom('console_session')
        .where('hash', '=', hash)
        .executeTakeFirstOrThrow();
      if (numDeletedRows > 0n) await recordAudit(tx, actor, { action: 'session.end', subject: clientId, detail: {} });
    });
  }

  async addTicket(hash: string, sessionHash: string, path: string, lifeMs: number): Promise<void> {
    await this.database.kysely
      .insertInto('console_ticket')
      .values({ hash, session_hash: sessionHash, path, ends_at: after(lifeMs) })
      .execute();
  }

  /** The hash of the ticket's session, once. Null: there is no such ticket for the path, or it has expired. */
  async useTicket(hash: string, path: string): Promise<string | null> {
    const row = await this.database.kysely
      .deleteFrom('console_ticket')
      .where('hash', '=', hash)
      .where('path', '=', path)
      .where('ends_at', '>', sql<Date>`now()`)
      .returning('session_hash')
      .executeTakeFirst();
    return row?.session_hash ?? null;
  }

  /** Of sessions that are over, names and addresses are not kept. */
  async removeEnded(): Promise<void> {
    const { kysely } = this.database;
    await sql`delete from console_session where ends_at <= now() or seen_at <= ${UNSEEN}`.execute(kysely);
    await sql`delete from console_ticket where ends_at <= now()`.execute(kysely);
  }
}

interface Row {
  hash: string;
  client_id: string;
  generation: number | null;
  person: Session['person'];
  grants: string[][];
  credentials: string | null;
  seen_at: Date;
  checked_at: Date;
  ends_at: Date;
}

function toSession({ hash, client_id, generation, person, grants, credentials, ...times }: Row): Session {
  return {
    ...{ hash, clientId: client_id, generation, person, grants, credentials },
    seenAt: times.seen_at.getTime(),
    checkedAt: times.checked_at.getTime(),
    endsAt: times.ends_at.getTime(),
  };
}
