import { ApiProperty, ApiPropertyOptional, IntersectionType, OmitType, PartialType } from '@nestjs/swagger';
import { IsIn, IsOptional, IsString, Length, MaxLength } from 'class-validator';
import { ReadAs } from '../common/fields.js';
import { TextFromNumber } from '../common/lenient.js';
import { PageInfo } from '../common/paging.js';
import { IsPathName } from '../common/path-name.js';
import { readText } from '../common/query.js';
import type { Query } from '../common/query.js';
import type { DeviceAttributes } from '../database/tables.js';
import { IsAttributes, IsLanguage, IsTimeZone } from './device-profile.js';
import type { TaggedDevice } from './device-transfer.repository.js';
import type { Device } from './device.repository.js';
import { DEVICE_STATES } from './device-search.js';
import type { DeviceState } from './device-search.js';
import { PLATFORMS, readPlatform } from './platform.js';
import { IsTagNames } from './tag-names.js';

/** Characters (docs/protocol/mobilefirst.md §12). */
export const MAX_USER_ID = 254;
export const MAX_ID = 255;
/** A Web Push subscription as JSON has less than 1 KB; some Windows channel URIs have 1,024 characters. */
const MAX_TOKEN = 4_096;
const MAX_APP_VERSION = 64;

const ATTRIBUTES = {
  type: 'object' as const,
  additionalProperties: { oneOf: [{ type: 'string' }, { type: 'number' }, { type: 'boolean' }] },
  description: 'Extension: flat object with data about the user, for campaign targets',
};

export class RegisterDeviceDto {
  @IsString({ message: 'it must be a string' })
  @Length(1, MAX_ID, { message: `it must be 1 to ${MAX_ID} characters` })
  @IsPathName()
  @ApiProperty({ minLength: 1, maxLength: MAX_ID, example: 'anna-phone' })
  deviceId!: string;

  @IsString({ message: 'it must be a string' })
  @Length(1, MAX_TOKEN, { message: `it must be 1 to ${MAX_TOKEN} characters` })
  @ApiProperty({
    description: 'The provider’s token for this device; a token that begins with `sandbox:` belongs to the sandbox',
    minLength: 1,
    maxLength: MAX_TOKEN,
    example: 'sandbox:accepted:anna-phone',
  })
  token!: string;

  @ReadAs((value) => (typeof value === 'string' ? (readPlatform(value) ?? value) : value))
  @IsIn(PLATFORMS, { message: `it must be one of ${PLATFORMS.join(', ')}` })
  @ApiProperty({ enum: PLATFORMS, example: 'A', description: '`M` is read as `W`; `H` (HMS) is an extension' })
  platform!: (typeof PLATFORMS)[number];

  @IsOptional()
  @IsString({ message: 'it must be a string' })
  @MaxLength(MAX_USER_ID, { message: `it must be at most ${MAX_USER_ID} characters` })
  @IsPathName()
  @ApiPropertyOptional({
    maxLength: MAX_USER_ID,
    description: 'Omitted, empty or `anonymous`: no user is signed in',
    example: 'anna',
  })
  userId?: string;

  // A number too, because the vendor's Windows plugin sends one and loses the plus sign and leading zeros itself.
  @IsOptional()
  @TextFromNumber()
  @IsString({ message: 'it must be a string or a whole number' })
  @MaxLength(MAX_ID, { message: `it must be at most ${MAX_ID} characters` })
  @ApiPropertyOptional({ maxLength: MAX_ID, description: 'A whole number is stored as text' })
  phoneNumber?: string;

  @IsOptional()
  @IsString({ message: 'it must be a string' })
  @MaxLength(1_024, { message: 'it must be at most 1024 characters' })
  @ApiPropertyOptional({ maxLength: 1_024 })
  userAgent?: string;

  @IsOptional()
  @IsLanguage()
  @ApiPropertyOptional({ description: 'Extension: BCP 47, stored in its canonical form', example: 'de-CH' })
  language?: string | null;

  @IsOptional()
  @IsTimeZone()
  @ApiPropertyOptional({ description: 'Extension: IANA name', example: 'Europe/Zurich' })
  timeZone?: string | null;

  @IsOptional()
  @IsString({ message: 'it must be a string' })
  @MaxLength(MAX_APP_VERSION, { message: `it must be at most ${MAX_APP_VERSION} characters` })
  @ApiPropertyOptional({ description: 'Extension', maxLength: MAX_APP_VERSION })
  appVersion?: string | null;

  @IsOptional()
  @IsAttributes()
  @ApiPropertyOptional(ATTRIBUTES)
  attributes?: DeviceAttributes | null;
}

/** One line of an import. */
export class ImportDeviceDto extends RegisterDeviceDto {
  @IsOptional()
  @IsTagNames()
  @ApiPropertyOptional({ type: [String] })
  tagNames?: string[] | null;
}

/** Omitted members keep their values. A device id, which some SDKs repeat, must equal the one in the path. */
export class UpdateDeviceDto extends PartialType(OmitType(RegisterDeviceDto, ['userAgent'] as const)) {}

export class DeviceAnswer {
  @ApiProperty()
  deviceId!: string;
  @ApiProperty({ enum: PLATFORMS })
  platform!: string;
  @ApiProperty()
  token!: string;
  /** Always a string, because the SDKs cast it to one. */
  @ApiProperty({ description: '`anonymous` if no user is signed in' })
  userId!: string;
  @ApiProperty()
  phoneNumber!: string;
  @ApiProperty()
  userAgent!: string;
  @ApiProperty({ enum: ['API'] })
  createdMode!: 'API';
  @ApiProperty({ description: 'ISO 8601, UTC, without milliseconds', example: '2015-05-20T11:42:11Z' })
  createdTime!: string;
  @ApiProperty()
  lastUpdatedTime!: string;
  @ApiProperty({ description: 'Path of the device' })
  href!: string;
  @ApiPropertyOptional({ description: 'Extension' })
  language?: string;
  @ApiPropertyOptional({ description: 'Extension' })
  timeZone?: string;
  @ApiPropertyOptional({ description: 'Extension' })
  appVersion?: string;
  @ApiPropertyOptional(ATTRIBUTES)
  attributes?: DeviceAttributes;
  @ApiProperty({
    enum: DEVICE_STATES,
    description: 'Extension: a retired device gets nothing until it registers again',
  })
  state!: DeviceState;
  @ApiPropertyOptional({ description: 'Extension: when the device was retired' })
  retiredTime?: string;
  @ApiPropertyOptional({
    description: 'Extension: why the device was retired: the reason of its provider, or `unseen`',
    example: 'Unregistered',
  })
  reason?: string;
  @ApiProperty({
    description:
      'Extension: the last sign of life; the time of a registration, or the day (UTC) on which the app read its registration',
  })
  lastSeenTime!: string;
  @ApiPropertyOptional({
    description: 'Extension: after the first registration with a device token, the token for all further calls',
  })
  deviceToken?: string;
}

export class ShortDeviceAnswer {
  @ApiProperty()
  deviceId!: string;
  @ApiProperty()
  userId!: string;
  @ApiProperty()
  href!: string;
}

/** With `expand=false` only deviceId, userId and href. */
export class ListedDeviceAnswer extends IntersectionType(PartialType(DeviceAnswer), ShortDeviceAnswer) {}

export class DeviceListAnswer {
  @ApiProperty({ type: [ListedDeviceAnswer], description: 'With `expand=false` only deviceId, userId and href' })
  devices!: ListedDeviceAnswer[];
  @ApiProperty({ type: PageInfo })
  pageInfo!: PageInfo;
}

export const ANONYMOUS = 'anonymous';

export function toDeviceAnswer(device: Device): DeviceAnswer {
  const { language, timeZone, appVersion, attributes } = device;
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
    href: hrefOf(device),
    ...(language !== null && { language }),
    ...(timeZone !== null && { timeZone }),
    ...(appVersion !== null && { appVersion }),
    ...(Object.keys(attributes).length > 0 && { attributes }),
    state: device.retired ? 'retired' : 'active',
    ...(device.retired && {
      ...(device.retired.at && { retiredTime: isoSeconds(device.retired.at) }),
      reason: device.retired.reason,
    }),
    lastSeenTime: isoSeconds(device.seenAt),
  };
}

export function toShortAnswer(device: Device): ShortDeviceAnswer {
  return { deviceId: device.deviceId, userId: device.userId ?? ANONYMOUS, href: hrefOf(device) };
}

/** A line of the export: the members of an import line, plus times. */
export function toExportLine({ device, tagNames }: TaggedDevice): Record<string, unknown> {
  const { createdMode: _mode, href: _href, ...line } = toDeviceAnswer(device);
  const given = Object.entries(line).filter(
    ([name, value]) => value !== '' && !(name === 'userId' && value === ANONYMOUS),
  );
  return { ...Object.fromEntries(given), tagNames };
}

function hrefOf({ applicationId, deviceId }: Device): string {
  return `/imfpush/v1/apps/${encodeURIComponent(applicationId)}/devices/${encodeURIComponent(deviceId)}`;
}

export function isoSeconds(date: Date): string {
  return `${date.toISOString().slice(0, 19)}Z`;
}

/** SDKs send back the `anonymous` of an answer, which stands for no user. */
export function readUserId(userId: string | null | undefined): string | null {
  return userId && userId !== ANONYMOUS ? userId : null;
}

/** The query's `userId`: undefined for all devices, null for devices without a user. */
export function readUser(query: Query): string | null | undefined {
  const userId = readText(query, 'userId');
  return userId === undefined ? undefined : readUserId(userId);
}
