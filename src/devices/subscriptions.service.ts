import { Injectable } from '@nestjs/common';
import { ApplicationsService } from '../applications/applications.service.js';
import { notFound } from '../common/errors.js';
import { BROADCAST_TAG } from './audience.repository.js';
import { DeviceRepository } from './device.repository.js';
import { SubscriptionRepository } from './subscription.repository.js';
import type { Subscription } from './subscription.repository.js';
import { TagRepository } from './tag.repository.js';

export interface SubscribeResult {
  subscribed: Subscription[];
  existing: string[];
  unknown: string[];
}

/** The devices' interest in tags. */
@Injectable()
export class SubscriptionsService {
  constructor(
    private readonly applications: ApplicationsService,
    private readonly devices: DeviceRepository,
    private readonly subscriptions: SubscriptionRepository,
    private readonly tags: TagRepository,
  ) {}

  async subscribe(applicationId: string, deviceId: string, tagNames: readonly string[]): Promise<SubscribeResult> {
    const seq = await this.deviceSeq(applicationId, deviceId);
    const names = [...new Set(tagNames)];
    const known = await this.tags.existing(applicationId, names);
    known.add(BROADCAST_TAG);
    const wanted = names.filter((name) => known.has(name));
    const subscribed = await this.subscriptions.add(applicationId, seq, wanted);
    const added = new Set(subscribed.map((subscription) => subscription.tagName));
    return {
      subscribed,
      existing: wanted.filter((name) => !added.has(name)),
      unknown: names.filter((name) => !known.has(name)),
    };
  }

  /** The names that were left; the others were not subscribed to. */
  async unsubscribe(applicationId: string, deviceId: string, tagNames: readonly string[]): Promise<string[]> {
    const seq = await this.deviceSeq(applicationId, deviceId);
    return this.subscriptions.remove(applicationId, seq, tagNames);
  }

  private async deviceSeq(applicationId: string, deviceId: string): Promise<number> {
    await this.applications.getApplication(applicationId);
    const seq = await this.devices.findSeq(applicationId, deviceId);
    if (seq === undefined) throw notFound('device', 'deviceId');
    return seq;
  }
}
