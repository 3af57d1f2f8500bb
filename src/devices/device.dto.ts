import { ApiProperty, ApiPropertyOptional, OmitType, PartialType } from '@nestjs/swagger';
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
import { PLATFORMS, readPlatform } from './platform.js';
import { IsTagNames } from './tag-names.js';

/** docs/protocol/mobilefirst.md §12 */
const MAX_USER_ID = 254;
const MAX_ID = 255;
/** A Web Push subscription as JSON stays under 1 KB; some Windows channel URIs reach 1,024 characters. */
const MAX_TOKEN = 4_096;
const MAX_APP_VERSION = 64;

const ATTRIBUTES = {
  type: 'object' as const,
  additionalProperties: { oneOf: [{ type: 'string' }, { type: 'number' }, { type: 'boolean' }] },
  description: 'Extension: what the app knows of its user, flat; for campaigns',
};

export class RegisterDeviceDto {
  @IsString({ message: 'it must be a string' })
  @Length(1, MAX_ID, { message: `it must be 1 to ${MAX_ID} characters` })
  @IsPathName()
  @ApiProperty({ minLength: 1, maxLength: MAX_ID })
  deviceId!: string;

  @IsString({ message: 'it must be a string' })
  @Length(1, MAX_TOKEN, { message: `it must be 1 to ${MAX_TOKEN} characters` })
  @ApiProperty({ description: 'The provider’s token for this device', minLength: 1, maxLength: MAX_TOKEN })
  token!: string;

  @ReadAs((value) => (typeof value === 'string' ? (readPlatform(value) ?? value) : value))
  @IsIn(PLATFORMS, { message: `it must be one of ${PLATFORMS.join(', ')}` })
  @ApiProperty({ enum: PLATFORMS, description: '`M` is read as `W`; `H` (HMS) is an extension' })
  platform!: (typeof PLATFORMS)[number];

  @IsOptional()
  @IsString({ message: 'it must be a string' })
  @MaxLength(MAX_USER_ID, { message: `it must be at most ${MAX_USER_ID} characters` })
  @IsPathName()
  @ApiPropertyOptional({ maxLength: MAX_USER_ID, description: 'Left out, empty or `anonymous`: nobody is signed in' })
  userId?: string;

  // The vendor's Windows plugin serialises a long, and so loses the plus and the zeros in front itself.
  @IsOptional()
  @TextFromNumber()
  @IsString({ message: 'it must be a string or a whole number' })
  @MaxLength(MAX_ID, { message: `it must be at most ${MAX_ID} characters` })
  @ApiPropertyOptional({ maxLength: MAX_ID, description: 'A whole number is read as its digits' })
  phoneNumber?: string;

  @IsOptional()
  @IsString({ message: 'it must be a string' })
  @MaxLength(1_024, { message: 'it must be at most 1024 characters' })
  @ApiPropertyOptional({ maxLength: 1_024 })
  userAgent?: string;

  @IsOptional()
  @IsLanguage()
  @ApiPropertyOptional({ description: 'Extension: BCP 47, kept in its canonical form', example: 'de-CH' })
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

/** A line of an import. */
export class ImportDeviceDto extends RegisterDeviceDto {
  @IsOptional()
  @IsTagNames()
  @ApiPropertyOptional({ type: [String] })
  tagNames?: string[] | null;
}

/** What is left out stays as it is; a device id, which some SDKs repeat, must be the one in the path. */
export class UpdateDeviceDto extends PartialType(OmitType(RegisterDeviceDto, ['userAgent'] as const)) {}

export class DeviceAnswer {
  @ApiProperty()
  deviceId!: string;
  @ApiProperty({ enum: PLATFORMS })
  platform!: string;
  @ApiProperty()
  token!: string;
  /** The SDKs cast it to a string. */
  @ApiProperty({ description: '`anonymous` when nobody is signed in' })
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
}

export class ShortDeviceAnswer {
  @ApiProperty()
  deviceId!: string;
  @ApiProperty()
  userId!: string;
  @ApiProperty()
  href!: string;
}

export class DeviceListAnswer {
  @ApiProperty({ type: [DeviceAnswer], description: 'With `expand=false` deviceId, userId and href only' })
  devices!: (DeviceAnswer | ShortDeviceAnswer)[];
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
  };
}

export function toShortAnswer(device: Device): ShortDeviceAnswer {
  return { deviceId: device.deviceId, userId: device.userId ?? ANONYMOUS, href: hrefOf(device) };
}

/** A line of the export: what an import takes, with the times for people. */
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

/** SDKs send back the `anonymous` they were given; it means nobody. */
export function readUserId(userId: string | null | undefined): string | null {
  return userId && userId !== ANONYMOUS ? userId : null;
}

/** The query's `userId`: undefined when all are meant, null for nobody's. */
export function readUser(query: Query): string | null | undefined {
  const userId = readText(query, 'userId');
  return userId === undefined ? undefined : readUserId(userId);
}
