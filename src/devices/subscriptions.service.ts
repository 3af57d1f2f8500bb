import { Injectable } from '@nestjs/common';
import { ApplicationsService } from '../applications/applications.service.js';
import { ApiError, notFound } from '../common/errors.js';
import type { Page, PageRequest } from '../common/paging.js';
import { BROADCAST_TAG } from './audience.repository.js';
import { DeviceRepository } from './device.repository.js';
import { SubscriptionRepository } from './subscription.repository.js';
import type { Subscription, SubscriptionQuery } from './subscription.repository.js';
import { TagRepository } from './tag.repository.js';

export interface SubscribeResult {
  subscribed: Subscription[];
  existing: string[];
  unknown: string[];
}

/** Subscriptions of devices to tags. */
@Injectable()
export class SubscriptionsService {
  constructor(
    private readonly applications: ApplicationsService,
    private readonly devices: DeviceRepository,
    private readonly subscriptions: SubscriptionRepository,
    private readonly tags: TagRepository,
  ) {}

  async subscribe(applicationId: string, deviceId: string, tagNames: readonly string[]): Promise<SubscribeResult> {
    const { seq, userId } = await this.getDevice(applicationId, deviceId);
    const names = [...new Set(tagNames)];
    const known = await this.tags.existing(applicationId, names);
    known.add(BROADCAST_TAG);
    const wanted = names.filter((name) => known.has(name));
    const added = await this.subscriptions.add(applicationId, seq, wanted);
    return {
      subscribed: [...added].map(([tagName, subscriptionId]) => ({ subscriptionId, tagName, deviceId, userId })),
      existing: wanted.filter((name) => !added.has(name)),
      unknown: names.filter((name) => !known.has(name)),
    };
  }

  /** Returns the names that the device was subscribed to. */
  async unsubscribe(applicationId: string, deviceId: string, tagNames: readonly string[]): Promise<string[]> {
    const { seq } = await this.getDevice(applicationId, deviceId);
    return this.subscriptions.remove(applicationId, seq, tagNames);
  }

  async listSubscriptions(
    applicationId: string,
    query: SubscriptionQuery,
    page: PageRequest,
  ): Promise<Page<Subscription>> {
    await this.applications.getApplication(applicationId);
    return this.subscriptions.list(applicationId, query, page);
  }

  async getSubscription(applicationId: string, subscriptionId: string): Promise<Subscription> {
    await this.applications.getApplication(applicationId);
    const subscription = await this.subscriptions.find(applicationId, subscriptionId);
    if (!subscription) throw notSubscribed();
    return subscription;
  }

  async removeSubscription(applicationId: string, subscriptionId: string): Promise<void> {
    await this.applications.getApplication(applicationId);
    if (!(await this.subscriptions.removeById(applicationId, subscriptionId))) throw notSubscribed();
  }

  private async getDevice(applicationId: string, deviceId: string): Promise<{ seq: number; userId: string | null }> {
    await this.applications.getApplication(applicationId);
    const device = await this.devices.findOwner(applicationId, deviceId);
    if (!device) throw notFound('device', 'deviceId');
    return device;
  }
}

export function notSubscribed(): ApiError {
  return new ApiError('FPWSE0012E', 'The subscription does not exist.');
}
