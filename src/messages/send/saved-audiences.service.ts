import { Inject, Injectable } from '@nestjs/common';
import { ApplicationsService } from '../../applications/applications.service.js';
import { Clock } from '../../common/clock.js';
import { notFound } from '../../common/errors.js';
import { checkRevision, revisionOf } from '../../common/revision.js';
import { DATABASE } from '../../database/database.module.js';
import type { Database } from '../../database/database.js';
import { inTransaction } from '../../database/transaction.js';
import type { Tx } from '../../database/transaction.js';
import { audienceOf, readTarget, targetOf, unknownAudience, withAudience } from '../request/target.js';
import { AudienceService } from './audience.service.js';
import { SavedAudienceRepository } from './saved-audience.repository.js';
import type { NewAudience, SavedAudience } from './saved-audience.repository.js';

/** Keeps saved audiences, and puts them in the place of their names. */
@Injectable()
export class SavedAudiencesService {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    private readonly applications: ApplicationsService,
    private readonly saved: SavedAudienceRepository,
    private readonly audiences: AudienceService,
    private readonly clock: Clock,
  ) {}

  /** The target with the saved audience in the place of its name. Throws FPWSE0001E if there is no such audience. */
  async resolve(applicationId: string, given: unknown): Promise<unknown> {
    const name = audienceOf(given);
    if (name === undefined) return given;
    const target = (await this.saved.findTargets(applicationId, [name])).get(name);
    if (!target) throw unknownAudience(name);
    return withAudience(given as Record<string, unknown>, target);
  }

  /**
   * By name, the saved audiences that bodies of messages name, for `prepareMessage`. A request without one costs no
   * statement.
   */
  findNamed(applicationId: string, bodies: readonly unknown[]): Promise<Map<string, SavedAudience['target']>> {
    const names = bodies.flatMap((body) => {
      if (typeof body !== 'object' || body === null) return [];
      const target = targetOf(body as Record<string, unknown>) as { audience?: unknown } | null | undefined;
      // A wrong name is refused with its message.
      return typeof target?.audience === 'string' ? [target.audience] : [];
    });
    return this.saved.findTargets(applicationId, [...new Set(names)]);
  }

  async list(applicationId: string): Promise<SavedAudience[]> {
    await this.applications.getApplication(applicationId);
    return this.saved.list(applicationId);
  }

  async get(applicationId: string, name: string): Promise<SavedAudience> {
    await this.applications.getApplication(applicationId);
    const found = await this.saved.find(applicationId, name);
    if (!found) throw notFound('audience', 'name');
    return found;
  }

  async add(applicationId: string, audience: NewAudience): Promise<SavedAudience> {
    await this.check(applicationId, audience.target);
    return this.saved.add(applicationId, audience, new Date(this.clock.now()));
  }

  /** Throws CARIL0412E if the audience is of another revision. */
  async replace(
    applicationId: string,
    audience: NewAudience,
    revisions: readonly string[] | undefined,
  ): Promise<{ before: SavedAudience; audience: SavedAudience }> {
    await this.check(applicationId, audience.target);
    return this.change(applicationId, audience.name, revisions, async (tx, before) => ({
      before,
      audience: await this.saved.replace(applicationId, audience, new Date(this.clock.now()), tx),
    }));
  }

  /** A campaign that names the audience skips its firings afterwards, and says why. */
  async remove(applicationId: string, name: string, revisions: readonly string[] | undefined): Promise<void> {
    await this.applications.getApplication(applicationId);
    await this.change(applicationId, name, revisions, (tx) => this.saved.remove(applicationId, name, tx));
  }

  private change<T>(
    applicationId: string,
    name: string,
    revisions: readonly string[] | undefined,
    work: (tx: Tx, old: SavedAudience) => Promise<T>,
  ): Promise<T> {
    return inTransaction(this.database, async (tx) => {
      const old = await this.saved.find(applicationId, name, tx);
      if (!old) throw notFound('audience', 'name');
      checkRevision(revisions, audienceRevision(old));
      return work(tx, old);
    });
  }

  /** Throws FPWSE0005E for a target that a message would refuse, FPWSE0001E for a tag that does not exist. */
  private async check(applicationId: string, target: Record<string, unknown>): Promise<void> {
    await this.applications.getApplication(applicationId);
    await this.audiences.checkTarget(applicationId, readTarget(target));
  }
}

export function audienceRevision({ description, target }: SavedAudience): string {
  return revisionOf({ description, target });
}
