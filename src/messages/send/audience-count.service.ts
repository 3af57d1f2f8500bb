import { Injectable } from '@nestjs/common';
import { ApplicationsService } from '../../applications/applications.service.js';
import { AudienceRepository } from '../../devices/audience.repository.js';
import { readTarget } from '../request/target.js';
import { DryRunRepository } from './dry-run.repository.js';
import { exclusionsOf } from './exclusion.js';
import type { Exclusion } from './exclusion.js';
import { AudienceService } from './audience.service.js';
import { SavedAudiencesService } from './saved-audiences.service.js';

export interface AudienceCount {
  /** Devices that a message would go to. */
  devices: number;
  byPlatform: Record<string, number>;
  byProvider: Record<string, number>;
  /** Devices of the target that a message would not go to, by reason; `retired` is the part of them that is retired. */
  excluded: Record<string, number>;
  exclusions: Exclusion[];
  retired: number;
  /** Of a target with device or user ids: the number of ids without a registration, and the first ten of them. */
  unknown?: { count: number; first: string[] };
  /** False: estimated from a sample. */
  exact: boolean;
}

const NAMED = 10;

@Injectable()
export class AudienceCountService {
  constructor(
    private readonly applications: ApplicationsService,
    private readonly saved: SavedAudiencesService,
    private readonly audiences: AudienceService,
    private readonly registered: AudienceRepository,
    private readonly counts: DryRunRepository,
  ) {}

  /** Counts the audience that a message with this target would have now. Throws as a send does. */
  async count(applicationId: string, given: unknown, how: { exact: boolean }): Promise<AudienceCount> {
    await this.applications.getApplication(applicationId);
    const target = readTarget(await this.saved.resolve(applicationId, given));
    if (target.tagNames) await this.audiences.checkTarget(applicationId, target);
    const { shares, exact } = await this.counts.countBounded(applicationId, target, [], how);
    const kind = target.deviceIds ? 'deviceIds' : 'userIds';
    const ids = target[kind];
    const count = emptyCount(exact);
    for (const share of shares) {
      if (share.retired) count.retired += share.count;
      if (share.reason !== null) add(count.excluded, share.reason, share.count);
      else {
        count.devices += share.count;
        add(count.byPlatform, share.platform, share.count);
        add(count.byProvider, share.provider, share.count);
      }
    }
    count.exclusions = exclusionsOf(count.excluded);
    if (!ids) return count;
    const known = new Set((await this.registered.findRegistered(applicationId, kind, ids)).map(({ id }) => id));
    const unknown = ids.filter((id) => !known.has(id));
    return { ...count, unknown: { count: unknown.length, first: unknown.slice(0, NAMED) } };
  }
}

function emptyCount(exact: boolean): AudienceCount {
  return { devices: 0, byPlatform: {}, byProvider: {}, excluded: {}, exclusions: [], retired: 0, exact };
}

function add(sums: Record<string, number>, name: string, count: number): void {
  sums[name] = (sums[name] ?? 0) + count;
}
