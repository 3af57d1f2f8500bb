import { Body, Controller, Get, Param, Post, UseGuards } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { RequireScope, ScopeGuard } from '../auth/scope.guard.js';
import { BodyPipe } from '../common/body.js';
import { CreateTagDto, isoSeconds } from './device.dto.js';
import { SubscriptionsService } from './subscriptions.service.js';
import type { Tag } from './tag.repository.js';

interface TagAnswer {
  name: string;
  description: string;
  createdMode: 'API';
  createdTime: string;
  lastUpdatedTime: string;
  href: string;
}

@ApiTags('Tags')
@Controller('imfpush/v1/apps/:applicationId/tags')
@UseGuards(ScopeGuard)
export class TagsController {
  constructor(private readonly subscriptions: SubscriptionsService) {}

  @Post()
  @RequireScope('tags.write')
  @ApiOperation({ summary: 'Create a tag' })
  async create(
    @Param('applicationId') applicationId: string,
    @Body(new BodyPipe(CreateTagDto)) body: CreateTagDto,
  ): Promise<TagAnswer> {
    return toAnswer(
      applicationId,
      await this.subscriptions.createTag(applicationId, body.name, body.description ?? ''),
    );
  }

  @Get()
  @RequireScope('tags.read')
  @ApiOperation({ summary: 'List the tags' })
  async list(@Param('applicationId') applicationId: string): Promise<{ tags: TagAnswer[] }> {
    const tags = await this.subscriptions.listTags(applicationId);
    return { tags: tags.map((tag) => toAnswer(applicationId, tag)) };
  }
}

function toAnswer(applicationId: string, tag: Tag): TagAnswer {
  return {
    name: tag.name,
    description: tag.description,
    createdMode: 'API',
    createdTime: isoSeconds(tag.createdAt),
    lastUpdatedTime: isoSeconds(tag.updatedAt),
    href: `/imfpush/v1/apps/${applicationId}/tags/${encodeURIComponent(tag.name)}`,
  };
}
