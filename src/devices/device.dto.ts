import { OmitType, PartialType } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import { ArrayMaxSize, ArrayNotEmpty, IsArray, IsIn, IsOptional, IsString, Length, MaxLength } from 'class-validator';
import type { Device } from './device.repository.js';
import { PLATFORMS, readPlatform } from './platform.js';

/** mobilefirst.md §12 */
const MAX_USER_ID = 254;
const MAX_ID = 255;
/** A Web Push subscription as JSON stays under 1 KB; some Windows channel URIs reach 1,024 characters. */
const MAX_TOKEN = 4_096;

export class RegisterDeviceDto {
  @IsString({ message: 'it must be a string' })
  @Length(1, MAX_ID, { message: `it must be 1 to ${MAX_ID} characters` })
  deviceId!: string;

  /** The provider's token for this device. */
  @IsString({ message: 'it must be a string' })
  @Length(1, MAX_TOKEN, { message: `it must be 1 to ${MAX_TOKEN} characters` })
  token!: string;

  @Transform(({ value }: { value: unknown }) => (typeof value === 'string' ? (readPlatform(value) ?? value) : value))
  @IsIn(PLATFORMS, { message: `it must be one of ${PLATFORMS.join(', ')}` })
  platform!: (typeof PLATFORMS)[number];

  @IsOptional()
  @IsString({ message: 'it must be a string' })
  @MaxLength(MAX_USER_ID, { message: `it must be at most ${MAX_USER_ID} characters` })
  userId?: string;

  @IsOptional()
  @IsString({ message: 'it must be a string' })
  @MaxLength(MAX_ID, { message: `it must be at most ${MAX_ID} characters` })
  phoneNumber?: string;

  @IsOptional()
  @IsString({ message: 'it must be a string' })
  @MaxLength(1_024, { message: 'it must be at most 1024 characters' })
  userAgent?: string;
}

/** What is left out stays as it is; a device id, which some SDKs repeat, must be the one in the path. */
export class UpdateDeviceDto extends PartialType(OmitType(RegisterDeviceDto, ['userAgent'] as const)) {}

export class DeviceAnswer {
  deviceId!: string;
  platform!: string;
  token!: string;
  /** `anonymous` when nobody is signed in: the SDKs cast it to a string. */
  userId!: string;
  phoneNumber!: string;
  userAgent!: string;
  createdMode!: 'API';
  /** ISO 8601, UTC, without milliseconds. */
  createdTime!: string;
  lastUpdatedTime!: string;
}

export const ANONYMOUS = 'anonymous';

export function toDeviceAnswer(device: Device): DeviceAnswer {
  return {
    deviceId: device.deviceId,
    platform: device.platform,
    token: device.token,
    userId: device.userId ?? ANONYMOUS,
    phoneNumber: device.phoneNumber ?? '',
    userAgent: device.userAgent ?? '',
    createdMode: 'API',
    createdTime: isoSeconds(device.createdAt),
    lastUpdatedTime: isoSeconds(device.updatedAt),
  };
}

export function isoSeconds(date: Date): string {
  return `${date.toISOString().slice(0, 19)}Z`;
}

/** One `tagName`, or many `tagNames`. */
export class SubscribeDto {
  @IsString({ message: 'it must be a string' })
  deviceId!: string;

  @IsOptional()
  @IsString({ message: 'it must be a string' })
  tagName?: string;

  @IsOptional()
  @IsArray({ message: 'it must be a list of tag names' })
  @ArrayNotEmpty({ message: 'it must name at least one tag' })
  @ArrayMaxSize(1_000, { message: 'it must name at most 1000 tags' })
  @IsString({ each: true, message: 'each must be a string' })
  tagNames?: string[];
}
