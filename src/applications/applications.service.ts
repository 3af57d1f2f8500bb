import { Injectable } from '@nestjs/common';
import type { Actor } from '../auth/audit.repository.js';
import { Clock } from '../common/clock.js';
import { ApiError, notFound } from '../common/errors.js';
import type { Filter } from '../common/filter.js';
import type { Page, PageRequest } from '../common/paging.js';
import { ApplicationRemovalRepository } from './application-removal.repository.js';
import { LeaseRepository } from './lease.repository.js';
import { ApplicationRepository } from './application.repository.js';
import type { Application, FoundApplication, NewApplication, StatusChange } from './application.repository.js';

/** How long a removal request deletes rows itself; the housekeeper deletes the rest. */
const REMOVE_AT_ONCE_MS = 500;

/** Of a new application. */
const NOTHING_SET = { strict: false, approvalAbove: null, receipts: false, allowedOrigins: [] };

@Injectable()
export class ApplicationsService {
  constructor(
    private readonly applications: ApplicationRepository,
    private readonly removals: ApplicationRemovalRepository,
    private readonly leases: LeaseRepository,
    private readonly clock: Clock,
  ) {}

  async createApplication(application: NewApplication): Promise<Application> {
    if (await this.applications.add(application)) return { ...NOTHING_SET, ...application };
    if (await this.applications.find(application.id))
      throw new ApiError('FPWSE0002E', `The application exists already. Check the 'applicationId' parameter value.`);
    throw new ApiError(
      'CARIL0409E',
      'The application of this id is still being removed, which takes about a minute. Try again later.',
    );
  }

  /** Throws FPWSE0001E if the id does not exist. */
  async getApplication(id: string): Promise<FoundApplication> {
    const application = await this.applications.find(id);
    if (!application) throw unknownApplication();
    return application;
  }

  listApplications(filter: Filter, page: PageRequest): Promise<Page<Application>> {
    return this.applications.list(filter, page);
  }

  async changeStatus(
    actor: Actor,
    id: string,
    status: StatusChange,
    revisions: readonly string[] | undefined,
  ): Promise<Application> {
    const changed = await this.applications.change(id, status, actor, revisions);
    if (!changed) throw unknownApplication();
    return changed;
  }

  /**
   * When this returns, no process sends anything of the application until the stop is lifted. A second stop is
   * accepted.
   */
  async stopApplication(actor: Actor, id: string): Promise<FoundApplication> {
    if (!(await this.applications.setStopped(id, true, new Date(this.clock.now()), actor))) throw unknownApplication();
    await this.leases.awaitEnd({ applicationId: id });
    return this.getApplication(id);
  }

  /** Unexpired messages continue within two seconds, the interval of the sweeper. */
  async liftStop(actor: Actor, id: string): Promise<FoundApplication> {
    if (!(await this.applications.setStopped(id, false, new Date(this.clock.now()), actor))) throw unknownApplication();
    return this.getApplication(id);
  }

  /**
   * When this returns, nothing of the application is sent any more, and the rows of a small application are deleted;
   * the housekeeper deletes those of a large one. Throws CARIL0409E if the application has devices and `devices=delete`
   * is missing: a path that a proxy or client shortened may name the application by mistake.
   */
  async removeApplication(actor: Actor, id: string, { devices }: { devices: boolean }): Promise<void> {
    await this.getApplication(id);
    const count = devices ? 0 : await this.applications.countDevices(id);
    if (count > 0)
      throw new ApiError(
        'CARIL0409E',
        `The application has ${count} ${count === 1 ? 'device' : 'devices'}. Repeat the call with ?devices=delete to remove the application with its devices.`,
      );
    if (!(await this.applications.markRemoved(id, new Date(this.clock.now()), actor))) throw unknownApplication();
    await this.leases.awaitEnd({ applicationId: id });
    const started = this.clock.elapsed();
    while (this.clock.elapsed() - started < REMOVE_AT_ONCE_MS && (await this.removals.removeSome(id)));
  }
}

/** Throws FPWSE1007E if the application is disabled, CARIL0409E if it is stopped. */
export function checkMaySend({ enabled, stoppedAt }: FoundApplication): void {
  if (!enabled) throw new ApiError('FPWSE1007E', 'The application is disabled. Enable it to send messages.');
  if (stoppedAt)
    throw new ApiError(
      'CARIL0409E',
      `The application was stopped at ${stoppedAt.toISOString()}; nothing is sent until the stop is lifted.`,
    );
}

function unknownApplication(): ApiError {
  return notFound('application', 'applicationId');
}
