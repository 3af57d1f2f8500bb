import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsOptional, IsString, Length, MaxLength } from 'class-validator';
import { PageInfo } from '../common/paging.js';
import { IsPathName } from '../common/path-name.js';
import { isoSeconds } from './device.dto.js';
import type { Tag } from './tag.repository.js';

const MAX_NAME = 254;
const MAX_DESCRIPTION = 1_024;

export class CreateTagDto {
  @IsString({ message: 'it must be a string' })
  @Length(1, MAX_NAME, { message: `it must be 1 to ${MAX_NAME} characters` })
  @IsPathName()
  @ApiProperty({ example: 'sports' })
  name!: string;

  @IsOptional()
  @IsString({ message: 'it must be a string' })
  @MaxLength(MAX_DESCRIPTION, { message: `it must be at most ${MAX_DESCRIPTION} characters` })
  @ApiPropertyOptional({ example: 'Results and fixtures' })
  description?: string;
}

/** The name cannot change; accepted because callers send back the whole tag. */
export class ChangeTagDto {
  @IsOptional()
  @IsString({ message: 'it must be a string' })
  name?: string;

  @IsOptional()
  @IsString({ message: 'it must be a string' })
  @MaxLength(MAX_DESCRIPTION, { message: `it must be at most ${MAX_DESCRIPTION} characters` })
  @ApiPropertyOptional({ example: 'Breaking news' })
  description?: string;
}

export class TagAnswer {
  @ApiProperty()
  name!: string;
  @ApiPropertyOptional()
  description?: string;
  @ApiPropertyOptional({ enum: ['API'] })
  createdMode?: 'API';
  @ApiPropertyOptional({ format: 'date-time' })
  createdTime?: string;
  @ApiPropertyOptional({ format: 'date-time' })
  lastUpdatedTime?: string;
  @ApiProperty({ description: 'Path of the tag' })
  href!: string;
  @ApiProperty({ description: 'Same as `href`; some of the vendor’s samples use this name' })
  uri!: string;
  @ApiPropertyOptional({
    type: 'integer',
    description: 'Number of subscribed devices; only with `subscriptionCount=true`',
  })
  subscriptionCount?: number;
}

export class TagListAnswer {
  @ApiProperty({ type: [TagAnswer] })
  tags!: TagAnswer[];
  @ApiProperty({ type: PageInfo })
  pageInfo!: PageInfo;
}

/** `expand` false: the short form. */
export function toTagAnswer(applicationId: string, tag: Tag, expand = true): TagAnswer {
  const href = `/imfpush/v1/apps/${encodeURIComponent(applicationId)}/tags/${encodeURIComponent(tag.name)}`;
  return {
    name: tag.name,
    ...(expand && {
      description: tag.description,
      createdMode: 'API',
      createdTime: isoSeconds(tag.createdAt),
      lastUpdatedTime: isoSeconds(tag.updatedAt),
    }),
    href,
    uri: href,
    ...(tag.subscriptions !== undefined && { subscriptionCount: tag.subscriptions }),
  };
}
