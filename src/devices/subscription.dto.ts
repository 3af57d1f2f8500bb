import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { ArrayMaxSize, ArrayNotEmpty, IsArray, IsOptional, IsString, Length } from 'class-validator';
import { PageInfo } from '../common/paging.js';
import { ANONYMOUS } from './device.dto.js';
import type { Subscription } from './subscription.repository.js';

/** One `tagName`, or a list `tagNames`. */
export class SubscribeDto {
  @IsString({ message: 'it must be a string' })
  @Length(1, 255, { message: 'it must be 1 to 255 characters' })
  @ApiProperty({ example: 'kiosk' })
  deviceId!: string;

  @IsOptional()
  @IsString({ message: 'it must be a string' })
  @ApiPropertyOptional({ example: 'offers' })
  tagName?: string;

  @IsOptional()
  @IsArray({ message: 'it must be a list of tag names' })
  @ArrayNotEmpty({ message: 'it must name at least one tag' })
  @ArrayMaxSize(1_000, { message: 'it must name at most 1000 tags' })
  @IsString({ each: true, message: 'each must be a string' })
  tagNames?: string[];
}

export class SubscriptionAnswer {
  @ApiProperty()
  subscriptionId!: string;
  @ApiProperty()
  deviceId!: string;
  @ApiProperty()
  tagName!: string;
  @ApiPropertyOptional({ description: '`anonymous` if no user is signed in' })
  userId?: string;
  @ApiProperty({ description: 'Path of the subscription' })
  href!: string;
}

export class UnknownTagsAnswer {
  tags!: string[];
  /** Empty if all tags exist. */
  message!: string;
  /** Empty if all tags exist. */
  code!: string;
}

/** The result for each tag of `tagNames`. */
export class SubscribedAnswer {
  tagsNotFound!: UnknownTagsAnswer;
  /** The tags that the device was subscribed to before. */
  subscriptionExists!: string[];
  /** Without userId. */
  subscribed!: SubscriptionAnswer[];
}

export class UnsubscribedAnswer {
  deviceId!: string;
  /** The tags that the device was subscribed to. */
  unsubscribed!: string[];
}

export class SubscriptionListAnswer {
  @ApiProperty({ type: [SubscriptionAnswer], description: 'With `expand=false` userId is missing' })
  subscriptions!: SubscriptionAnswer[];
  @ApiProperty({ type: PageInfo })
  pageInfo!: PageInfo;
}

export function toSubscriptionAnswer(
  applicationId: string,
  subscription: Subscription,
  expand = true,
): SubscriptionAnswer {
  const { subscriptionId, deviceId, tagName, userId } = subscription;
  return {
    subscriptionId,
    deviceId,
    tagName,
    ...(expand && { userId: userId ?? ANONYMOUS }),
    href: `/imfpush/v1/apps/${encodeURIComponent(applicationId)}/subscriptions/${subscriptionId}`,
  };
}
