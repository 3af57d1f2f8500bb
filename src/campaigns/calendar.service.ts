import { Injectable } from '@nestjs/common';
import { ApplicationsService } from '../applications/applications.service.js';
import { invalidValue } from '../common/errors.js';
import { AudienceRepository } from '../devices/audience.repository.js';
import { readTarget } from '../messages/request/target.js';
import { SavedAudiencesService } from '../messages/send/saved-audiences.service.js';
import type { Definition } from './campaign.js';
import { CampaignRepository } from './campaign.repository.js';
import { refusing } from './campaign-definition.js';
import { CampaignsService } from './campaigns.service.js';
import { SharedClock } from './firing/shared-clock.repository.js';
import { previewFirings } from './preview.js';
import type { PreviewedFiring } from './preview.js';

export interface CalendarFiring extends Omit<PreviewedFiring, 'finishTime' | 'binding'> {
  campaignId: string;
  name: string;
  timeZone: string;
}

export interface Calendar {
  firings: CalendarFiring[];
  /** Ids of campaigns that fire more often than the calendar lists. */
  incomplete: string[];
}

export interface SharedUsers {
  campaignIds: [string, string];
  users: number;
}

/** Firings of one campaign, so that one that fires each minute leaves room for the others. */
const MOST_OF_ONE = 100;
/** Firings in one answer: some 20 ms of work. */
const MOST = 1_000;

/** All firings of an application, and which campaigns reach the same users. */
@Injectable()
export class CalendarService {
  constructor(
    private readonly applications: ApplicationsService,
    private readonly campaigns: CampaignsService,
    private readonly repository: CampaignRepository,
    private readonly saved: SavedAudiencesService,
    private readonly audiences: AudienceRepository,
    private readonly clock: SharedClock,
  ) {}

  /** The firings of active campaigns from now on, in order of time. */
  async list(applicationId: string, from: number, to: number): Promise<Calendar> {
    if (to < from) throw invalidValue('to', 'it must not be before from');
    await this.applications.getApplication(applicationId);
    const after = Math.max(await this.clock.now(), from - 1);
    const firings: CalendarFiring[] = [];
    const incomplete: string[] = [];
    for (const { id, definition } of await this.repository.listActive(applicationId)) {
      const most = Math.min(MOST_OF_ONE, MOST - firings.length);
      const found = refusing(() => previewFirings(definition, id, after, most + 1, [], to));
      if (found.length > most) incomplete.push(id);
      firings.push(...found.slice(0, most).map((firing) => toCalendarFiring(id, definition, firing)));
    }
    return { firings: firings.toSorted(byTime), incomplete };
  }

  /** The next firings of all applications: each is of one of the `count` campaigns that fire first. */
  async listNext(count: number): Promise<(CalendarFiring & { applicationId: string })[]> {
    const now = await this.clock.now();
    const firings = (await this.repository.listNext(count)).flatMap(({ id, applicationId, definition }) =>
      refusing(() => previewFirings(definition, id, now, count, [])).map((firing) => ({
        applicationId,
        ...toCalendarFiring(id, definition, firing),
      })),
    );
    return firings.toSorted(byTime).slice(0, count);
  }

  /** How many users each pair of campaigns shares, without pairs that share none. */
  async countShared(applicationId: string, ids: readonly string[]): Promise<SharedUsers[]> {
    const targets = [];
    for (const id of ids) {
      const { definition } = await this.campaigns.readCampaign(applicationId, id);
      targets.push(readTarget(await this.saved.resolve(applicationId, definition.target)));
    }
    const shared = await this.audiences.countShared(applicationId, targets);
    return ids.flatMap((one, a) =>
      ids
        .slice(a + 1)
        .map((other, offset) => ({
          campaignIds: [one, other] as [string, string],
          users: shared[a]?.[a + 1 + offset] ?? 0,
        }))
        .filter(({ users }) => users > 0),
    );
  }
}

function toCalendarFiring(
  campaignId: string,
  { name, schedule }: Definition,
  { finishTime: _finish, binding: _binding, ...firing }: PreviewedFiring,
): CalendarFiring {
  return { campaignId, name, timeZone: schedule.timeZone ?? 'UTC', ...firing };
}

function byTime(a: CalendarFiring, b: CalendarFiring): number {
  return Date.parse(a.time) - Date.parse(b.time);
}
