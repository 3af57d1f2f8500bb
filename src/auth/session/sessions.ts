import { Inject, Injectable, Logger } from '@nestjs/common';
import type { BeforeApplicationShutdown, OnApplicationBootstrap, OnModuleInit } from '@nestjs/common';
import { Clock } from '../../common/clock.js';
import { MINUTE_MS } from '../../common/durations.js';
import { Rounds } from '../../common/rounds.js';
import { CONFIG } from '../../common/tokens.js';
import type { Config } from '../../config.js';
import type { CallerRequest } from '../../http/callers.js';
import { ITSELF } from '../audit.repository.js';
import type { Actor } from '../audit.repository.js';
import { ChangeFeed } from '../change-feed.js';
import { NO_LIMITS } from '../client.js';
import type { ClientLimits } from '../client.js';
import { ClientSnapshot } from '../client-snapshot.js';
import type { KnownClient } from '../client-snapshot.js';
import { scopeNow } from '../introspection.js';
import { LastUsed } from '../last-used.js';
import {
  CHECK_MS,
  CLIENT_SESSION_MS,
  PERSON_SESSION_MS,
  TOUCH_MS,
  callerIdOf,
  hashOf,
  idleEndOf,
  newId,
  vaultOf,
} from './session.js';
import type { Person, PersonCheck, PersonNews, Session } from './session.js';
import { SessionRepository } from './session.repository.js';
import type { NewSession } from './session.repository.js';

const TIDY_MS = 10 * MINUTE_MS;
/** Sessions in memory; beyond, all are read again. */
const REMEMBER_MAX = 10_000;
const TICKET_MS = MINUTE_MS;

/** A session whose client, if it has one, is enabled and has the same secret; with the scopes that are allowed now. */
export interface LiveSession extends Session {
  /** For the limits of requests. */
  client: ClientLimits & { id: string };
  /** For people: the display name of the client, or the name of the person. */
  name: string;
}

/** The console's sessions: rows, with a copy in each process that serves them. */
@Injectable()
export class Sessions implements OnModuleInit, OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly known = new Map<string, Session>();
  private readonly underway = new Map<string, Promise<Session | null>>();
  private readonly rounds = new Rounds(new Logger('Auth'), 'Removing sessions that are over', () =>
    this.rows.removeEnded(),
  );
  /** Increases with each forgetting: a row that was read before is not remembered after. */
  private epoch = 0;
  private installation = '';
  private check: PersonCheck | undefined;

  constructor(
    private readonly rows: SessionRepository,
    private readonly clients: ClientSnapshot,
    private readonly feed: ChangeFeed,
    private readonly lastUsed: LastUsed,
    private readonly clock: Clock,
    @Inject(CONFIG) private readonly config: Pick<Config, 'console'>,
  ) {}

  async onModuleInit(): Promise<void> {
    this.installation = await this.rows.installationId();
    await this.feed.follow('console_session', () => Promise.resolve(this.forget()));
  }

  onApplicationBootstrap(): void {
    this.rounds.every(TIDY_MS);
  }

  beforeApplicationShutdown(): Promise<void> {
    return this.rounds.end();
  }

  /** Part of the cookies' names. */
  get installationId(): string {
    return this.installation;
  }

  /** Returns the cookie's value. */
  beginClient(client: KnownClient, caller: CallerRequest): Promise<string> {
    const { id, generation, allowed } = client;
    const session = { clientId: id, generation, person: null, grants: [allowed], credentials: null };
    return this.begin({ clientId: id, ...caller }, session, CLIENT_SESSION_MS);
  }

  /** Returns the cookie's value. */
  beginPerson(person: Person, news: PersonNews, caller: CallerRequest): Promise<string> {
    const clientId = callerIdOf(person);
    return this.begin(
      { clientId, ...caller, person },
      { clientId, generation: null, person, ...news },
      PERSON_SESSION_MS,
    );
  }

  /** People's sessions are held against the identity provider from now on. */
  checkPeopleBy(check: PersonCheck): void {
    this.check = check;
  }

  private async begin(actor: Actor, session: Omit<NewSession, 'hash'>, lifeMs: number): Promise<string> {
    const id = newId();
    const credentials = session.credentials && sealed(id, session.credentials);
    const begun = await this.rows.begin(actor, { ...session, credentials, hash: hashOf(id)! }, lifeMs);
    this.remember(begun);
    return id;
  }

  async end(actor: Actor, session: Session): Promise<void> {
    await this.rows.end(actor, session);
    await this.feed.refresh();
  }

  /** The session of a cookie. `extend`: its idle time begins again. Null: there is none, or it is over. */
  async find(cookie: string | undefined, extend: boolean): Promise<LiveSession | null> {
    const hash = cookie === undefined || !this.config.console ? null : hashOf(cookie);
    if (hash === null) return null;
    const session = await this.current(hash, extend);
    const checked = session && (await this.checked(cookie!, session));
    return checked && this.hold(checked);
  }

  /** Returns the ticket, which opens the path once. */
  async makeTicket({ hash }: Session, path: string): Promise<string> {
    const id = newId();
    await this.rows.addTicket(hashOf(id)!, hash, path, TICKET_MS);
    return id;
  }

  async useTicket(ticket: string, path: string): Promise<LiveSession | null> {
    const hash = this.config.console ? hashOf(ticket) : null;
    const sessionHash = hash && (await this.rows.useTicket(hash, path));
    const session = sessionHash ? await this.current(sessionHash, false) : null;
    return session && this.hold(session);
  }

  private async current(hash: string, extend: boolean): Promise<Session | null> {
    const now = this.clock.now();
    const known = this.known.get(hash);
    // Another process may have extended a session whose idle time is over here.
    const isFresh = known !== undefined && now < idleEndOf(known) && !(extend && now - known.seenAt >= TOUCH_MS);
    return isFresh ? known : this.read(hash, extend);
  }

  /** The session as the identity provider sees its person now. Null: the person has no rights any more. */
  private async checked(cookie: string, session: Session): Promise<Session | null> {
    const { hash, person, credentials } = session;
    if (!this.check || !person || credentials === null || this.clock.now() - session.checkedAt < CHECK_MS)
      return session;
    const claimed = await this.rows.claimCheck(hash);
    // Another request asks at this moment, or the session is over.
    if (!claimed?.credentials) return this.read(hash, false);
    const { grants } = claimed;
    const news = await this.check(person, { grants, credentials: opened(cookie, claimed.credentials) });
    if (!news) {
      await this.end({ ...ITSELF, person }, claimed);
      return null;
    }
    const isChanged = JSON.stringify(news.grants) !== JSON.stringify(grants);
    const renewed = await this.rows.renew(hash, { ...news, credentials: sealed(cookie, news.credentials) }, isChanged);
    if (isChanged) await this.feed.refresh();
    return renewed;
  }

  /** Equal reads at once share one statement: a page makes several requests together. */
  private read(hash: string, extend: boolean): Promise<Session | null> {
    const key = `${hash} ${extend}`;
    const running = this.underway.get(key);
    if (running) return running;
    const { epoch } = this;
    const reading = (extend ? this.rows.touch(hash) : this.rows.find(hash))
      .then((session) => {
        if (session === null) this.known.delete(hash);
        else if (epoch === this.epoch) this.remember(session);
        return session;
      })
      .finally(() => this.underway.delete(key));
    this.underway.set(key, reading);
    return reading;
  }

  private remember(session: Session): void {
    if (this.known.size >= REMEMBER_MAX) this.known.clear();
    this.known.set(session.hash, session);
  }

  private forget(): void {
    this.epoch++;
    this.known.clear();
  }

  /** Refreshes before a refusal, like LiveTokens: another process may have made the client a moment ago. */
  private async hold(session: Session): Promise<LiveSession | null> {
    const held = this.holdNow(session);
    if (held) return held;
    await this.feed.refresh();
    return this.holdNow(session);
  }

  private holdNow(session: Session): LiveSession | null {
    const { clientId, person, generation, grants } = session;
    if (person)
      return {
        ...session,
        client: { id: clientId, ...NO_LIMITS },
        name: person.name ?? person.email ?? person.subject,
      };
    const client = this.clients.find(clientId);
    if (!client?.enabled || client.generation !== generation) return null;
    this.lastUsed.noteClient(clientId);
    return { ...session, grants: [scopeNow(grants[0] ?? [], client.allowed)], client, name: client.displayName };
  }
}

function sealed(cookie: string, credentials: string): string {
  return vaultOf(cookie).seal(credentials, 'console_session').toString('base64');
}

function opened(cookie: string, credentials: string): string {
  return vaultOf(cookie).open(Buffer.from(credentials, 'base64'), 'console_session');
}
