import { Injectable } from '@nestjs/common';
import { ApplicationsService } from '../applications/applications.service.js';
import { Clock } from '../common/clock.js';
import { ApiError, invalidValue, notFound } from '../common/errors.js';
import type { Filter } from '../common/filter.js';
import type { Page, PageRequest } from '../common/paging.js';
import { Quotas } from '../limits/quotas.js';
import { BROADCAST_TAG } from './audience.repository.js';
import { TagRepository } from './tag.repository.js';
import type { Tag } from './tag.repository.js';

/** The tags of an application, without `Push.ALL`, which every device has. */
@Injectable()
export class TagsService {
  constructor(
    private readonly applications: ApplicationsService,
    private readonly tags: TagRepository,
    private readonly quotas: Quotas,
    private readonly clock: Clock,
  ) {}

  async createTag(applicationId: string, name: string, description: string): Promise<Tag> {
    await this.applications.getApplication(applicationId);
    if (name.toLowerCase() === BROADCAST_TAG.toLowerCase()) throw invalidValue('name', `${BROADCAST_TAG} is reserved`);
    await this.quotas.take('tags', applicationId, 1, () => this.tags.count(applicationId));
    const tag = await this.tags.add(applicationId, name, description, new Date(this.clock.now()));
    if (!tag) throw new ApiError('FPWSE0002E', "The tag exists already. Check the 'name' parameter value.");
    return tag;
  }

  /** `counted`: include the number of subscribed devices. */
  async listTags(applicationId: string, filter: Filter, page: PageRequest, counted: boolean): Promise<Page<Tag>> {
    await this.applications.getApplication(applicationId);
    return this.tags.list(applicationId, filter, page, counted);
  }

  async getTag(applicationId: string, name: string, counted: boolean): Promise<Tag> {
    await this.applications.getApplication(applicationId);
    const tag = await this.tags.find(applicationId, name, counted);
    if (!tag) throw notFound('tag', 'tagName');
    return tag;
  }

  /** Only the description changes, because subscriptions and messages refer to the name. */
  /** `before`: the description. */
  async changeTag(
    applicationId: string,
    name: string,
    change: { name?: string; description?: string },
  ): Promise<{ tag: Tag; before: string }> {
    await this.applications.getApplication(applicationId);
    if (change.name !== undefined && change.name !== null && change.name !== name)
      throw invalidValue('name', 'the name of a tag cannot change');
    const changed = await this.tags.change(
      applicationId,
      name,
      change.description ?? undefined,
      new Date(this.clock.now()),
    );
    if (!changed) throw notFound('tag', 'tagName');
    return changed;
  }

  /** Also removes its subscriptions. */
  async removeTag(applicationId: string, name: string): Promise<void> {
    await this.applications.getApplication(applicationId);
    if (!(await this.tags.remove(applicationId, name))) throw notFound('tag', 'tagName');
  }
}
