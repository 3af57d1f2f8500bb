import { Injectable } from '@nestjs/common';
import { revisionOf } from '../common/revision.js';
import type { Tx } from '../database/transaction.js';
import { AudienceRepository } from '../devices/audience.repository.js';
import { audienceOf, readTarget, withAudience } from '../messages/request/target.js';
import { SavedAudienceRepository } from '../messages/send/saved-audience.repository.js';
import type { Definition } from './campaign.js';

/** A campaign as it would be sent now. */
export interface Reviewed {
  /** Names the definition together with the saved audience. */
  revision: string;
  /** The definition with the saved audience in its place; as it is if the audience is gone. */
  definition: Definition;
  /** The client or person that changed the saved audience last. */
  audienceBy: string | null;
  mustWait: boolean;
}

/** Decides whether a campaign has to wait for the approval of a second client or person. */
@Injectable()
export class CampaignApproval {
  constructor(
    private readonly saved: SavedAudienceRepository,
    private readonly audience: AudienceRepository,
  ) {}

  /**
   * `above`: of the application; null: nothing waits. In a transaction the saved audience stays as it is until the
   * commit. Counts no more devices than it takes to know.
   */
  async review(
    applicationId: string,
    { definition: given, approvedRevision }: { definition: Definition; approvedRevision: string | null },
    above: number | null,
    tx?: Tx,
  ): Promise<Reviewed> {
    const name = audienceOf(given.target);
    const saved = name === undefined ? undefined : await this.saved.hold(applicationId, name, tx);
    const revision = revisionOf([given, saved?.target ?? null]);
    const definition = saved ? { ...given, target: withAudience(given.target ?? {}, saved.target) } : given;
    const audienceBy = saved?.changedBy ?? null;
    // Without its audience a campaign sends nothing.
    const isSure = above === null || approvedRevision === revision || (name !== undefined && !saved);
    const mustWait = !isSure && (await this.audience.exceeds(applicationId, readTarget(definition.target), above, tx));
    return { revision, definition, audienceBy, mustWait };
  }
}
