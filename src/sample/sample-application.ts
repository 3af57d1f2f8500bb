import { Injectable } from '@nestjs/common';
import type { OnApplicationBootstrap } from '@nestjs/common';
import { ApplicationsService } from '../applications/applications.service.js';
import { ApiError } from '../common/errors.js';
import { DevicesService } from '../devices/devices.service.js';
import type { Platform } from '../devices/platform.js';
import { SubscriptionsService } from '../devices/subscriptions.service.js';
import { TagsService } from '../devices/tags.service.js';

export const SAMPLE_APPLICATION = 'com.example.app';

/** The token's text selects the outcome (providers/sandbox). */
const DEVICES: readonly { deviceId: string; platform: Platform; token: string; userId?: string; tags: string[] }[] = [
  { deviceId: 'anna-phone', platform: 'A', token: 'sandbox:accepted:anna-phone', userId: 'anna', tags: ['news'] },
  {
    deviceId: 'anna-tablet',
    platform: 'G',
    token: 'sandbox:accepted:anna-tablet',
    userId: 'anna',
    tags: ['news', 'offers'],
  },
  { deviceId: 'ben-phone', platform: 'G', token: 'sandbox:accepted:ben-phone', userId: 'ben', tags: ['offers'] },
  { deviceId: 'ben-browser', platform: 'WEB_CHROME', token: 'sandbox:slow:ben-browser', userId: 'ben', tags: [] },
  { deviceId: 'kiosk', platform: 'W', token: 'sandbox:throttled:kiosk', tags: ['news'] },
];
const TAGS = { news: 'News', offers: 'Offers' };

/** The application of the README's first push; created if it does not exist. */
@Injectable()
export class SampleApplication implements OnApplicationBootstrap {
  constructor(
    private readonly applications: ApplicationsService,
    private readonly devices: DevicesService,
    private readonly tags: TagsService,
    private readonly subscriptions: SubscriptionsService,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    try {
      await this.make();
    } catch (error) {
      // Ignored: the application exists, or is being removed (a later start creates it), or a quota is used up.
      if (error instanceof ApiError && (error.code === 'FPWSE0002E' || error.code === 'CARIL0409E')) return;
      throw error;
    }
  }

  private async make(): Promise<void> {
    await this.applications.createApplication({ id: SAMPLE_APPLICATION, enabled: true });
    for (const [name, description] of Object.entries(TAGS))
      await this.tags.createTag(SAMPLE_APPLICATION, name, description);
    for (const { tags, ...device } of DEVICES) {
      await this.devices.registerDevice(SAMPLE_APPLICATION, device);
      if (tags.length > 0) await this.subscriptions.subscribe(SAMPLE_APPLICATION, device.deviceId, tags);
    }
  }
}
