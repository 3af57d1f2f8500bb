import { Injectable } from '@nestjs/common';
import type { Actor } from '../auth/audit.repository.js';
import { Clock } from '../common/clock.js';
import { ApiError, notFound } from '../common/errors.js';
import type { Filter } from '../common/filter.js';
import type { Page, PageRequest } from '../common/paging.js';
import { ApplicationRemovalRepository } from './application-removal.repository.js';
import { LeaseRepository } from './lease.repository.js';
import { ApplicationRepository } from './application.repository.js';
import type { Application, FoundApplication, NewApplication } from './application.repository.js';

/** How long a request takes rows away; what is left then is the housekeeper's. */
const REMOVE_AT_ONCE_MS = 500;

@Injectable()
export class ApplicationsService {
  constructor(
    private readonly applications: ApplicationRepository,
    private readonly removals: ApplicationRemovalRepository,
    private readonly leases: LeaseRepository,
    private readonly clock: Clock,
  ) {}

  async createApplication(application: NewApplication): Promise<Application> {
    if (await this.applications.add(application)) return { strict: false, ...application };
    if (await this.applications.find(application.id))
      throw new ApiError('FPWSE0002E', `The application exists already. Check the 'applicationId' parameter value.`);
    throw new ApiError(
      'CARIL0409E',
      'The application of this id is still being removed, which takes a minute or so. Try again later.',
    );
  }

  /** Throws FPWSE0001E when there is none of this id. */
  async getApplication(id: string): Promise<FoundApplication> {
    const application = await this.applications.find(id);
    if (!application) throw unknownApplication();
    return application;
  }

  listApplications(filter: Filter, page: PageRequest): Promise<Page<Application>> {
    return this.applications.list(filter, page);
  }

  /** `strict` stays when it is left out. */
  async changeStatus(id: string, status: { enabled: boolean; strict?: boolean }): Promise<Application> {
    const changed = await this.applications.change(id, status);
    if (!changed) throw unknownApplication();
    return changed;
  }

  /** When this returns nothing of it is written, by any process, until the stop is lifted. To stop it twice is no mistake. */
  async stopApplication(actor: Actor, id: string): Promise<FoundApplication> {
    if (!(await this.applications.setStopped(id, true, new Date(this.clock.now()), actor))) throw unknownApplication();
    await this.leases.awaitEnd({ applicationId: id });
    return this.getApplication(id);
  }

  /** What is under way and still lives goes on, within the two seconds of the sweeper. */
  async liftStop(actor: Actor, id: string): Promise<FoundApplication> {
    if (!(await this.applications.setStopped(id, false, new Date(this.clock.now()), actor))) throw unknownApplication();
    return this.getApplication(id);
  }

  /**
   * Nothing of it is written any more when this returns, and a small application is gone with its id; of a large one the
   * housekeeper takes the rest away. Throws CARIL0409E when it has devices and they are not to be removed with it: a path that
   * was cut off on its way may name the application in place of what is in it.
   */
  async removeApplication(actor: Actor, id: string, { devices }: { devices: boolean }): Promise<void> {
    await this.getApplication(id);
    const count = devices ? 0 : await this.applications.countDevices(id);
    if (count > 0)
      throw new ApiError(
        'CARIL0409E',
        `The application has ${count} ${count === 1 ? 'device' : 'devices'}. Call it with ?devices=delete to remove the application with them.`,
      );
    if (!(await this.applications.markRemoved(id, new Date(this.clock.now()), actor))) throw unknownApplication();
    await this.leases.awaitEnd({ applicationId: id });
    const started = this.clock.elapsed();
    while (this.clock.elapsed() - started < REMOVE_AT_ONCE_MS && (await this.removals.removeSome(id)));
  }
}

/** Throws FPWSE1007E when it accepts no messages, CARIL0409E when it was stopped. */
export function checkMaySend({ enabled, stoppedAt }: FoundApplication): void {
  if (!enabled)
    throw new ApiError('FPWSE1007E', 'The application is disabled; it sends no messages until it is enabled again.');
  if (stoppedAt)
    throw new ApiError(
      'CARIL0409E',
      `The application was stopped at ${stoppedAt.toISOString()}; it sends nothing until the stop is lifted.`,
    );
}

function unknownApplication(): ApiError {
  return notFound('application', 'applicationId');
}
