import { Injectable } from '@nestjs/common';
import { ApplicationsService } from '../applications/applications.service.js';
import { invalidValue } from '../common/errors.js';
import { AudienceRepository } from '../devices/audience.repository.js';
import { readTarget } from '../messages/request/target.js';
import { SavedAudiencesService } from '../messages/send/saved-audiences.service.js';
import { CampaignRepository } from './campaign.repository.js';
import type { Campaign } from './campaign.repository.js';
import { CampaignsService } from './campaigns.service.js';
import { SharedClock } from './firing/shared-clock.repository.js';
import { previewFirings } from './preview.js';
import type { PreviewedFiring } from './preview.js';
import { ScheduleError } from './schedule/schedule.error.js';

export interface CalendarFiring extends Omit<PreviewedFiring, 'finishTime' | 'binding'> {
  campaignId: string;
  name: string;
  timeZone: string;
}

/**
 * An active campaign without a readable schedule, for example because this release of Node does not know the time zone.
 * The campaign is paused with the reason when its next firing is due.
 */
export interface UnreadableCampaign {
  campaignId: string;
  name: string;
  /** In the form of the request: `schedule.timeZone`. */
  field: string;
  reason: string;
}

type InApplication<T> = T & { applicationId: string };

export interface Calendar {
  firings: CalendarFiring[];
  /** Ids of campaigns that fire more often than the calendar lists. */
  incomplete: string[];
  unreadable: UnreadableCampaign[];
}

/** The next firings of all applications. */
export interface NextFirings {
  firings: InApplication<CalendarFiring>[];
  unreadable: InApplication<UnreadableCampaign>[];
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
    const unreadable: UnreadableCampaign[] = [];
    for (const campaign of await this.repository.listActive(applicationId)) {
      const most = Math.min(MOST_OF_ONE, MOST - firings.length);
      const found = firingsOf(campaign, after, most + 1, to);
      if (!Array.isArray(found)) unreadable.push(found);
      else {
        if (found.length > most) incomplete.push(campaign.id);
        firings.push(...found.slice(0, most));
      }
    }
    return { firings: firings.toSorted(byTime), incomplete, unreadable };
  }

  /** The next firings of all applications: each is of one of the `count` campaigns that fire first. */
  async listNext(count: number): Promise<NextFirings> {
    const now = await this.clock.now();
    const firings: NextFirings['firings'] = [];
    const unreadable: NextFirings['unreadable'] = [];
    for (const { applicationId, ...campaign } of await this.repository.listNext(count)) {
      const found = firingsOf(campaign, now, count);
      if (Array.isArray(found)) firings.push(...found.map((firing) => ({ applicationId, ...firing })));
      else unreadable.push({ applicationId, ...found });
    }
    return { firings: firings.toSorted(byTime).slice(0, count), unreadable };
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

function firingsOf(
  { id: campaignId, definition }: Pick<Campaign, 'id' | 'definition'>,
  after: number,
  count: number,
  until?: number,
): CalendarFiring[] | UnreadableCampaign {
  const { name, schedule } = definition;
  try {
    return previewFirings(definition, campaignId, after, count, [], until).map(
      ({ finishTime: _finish, binding: _binding, ...firing }) => {
        return { campaignId, name, timeZone: schedule.timeZone ?? 'UTC', ...firing };
      },
    );
  } catch (error) {
    if (!(error instanceof ScheduleError)) throw error;
    return { campaignId, name, field: error.field, reason: error.reason };
  }
}

function byTime(a: CalendarFiring, b: CalendarFiring): number {
  return Date.parse(a.time) - Date.parse(b.time);
}
