import { Body, Controller, Delete, Get, HttpCode, Param, Post, Put, Query, Req, UseGuards } from '@nestjs/common';
import { ApiOperation, ApiQuery, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { changesBetween } from '../auth/audited-changes.js';
import { noteAct } from '../auth/noted-act.js';
import { RequireScope, ScopeGuard } from '../auth/scope.guard.js';
import { BodyPipe } from '../common/body.js';
import { readFilter } from '../common/filter.js';
import { MayLag } from '../common/may-lag.js';
import { ApiFilter, ApiPaging, readExpand, readPage, toPageInfo } from '../common/paging.js';
import { readBoolean } from '../common/query.js';
import type { Query as QueryOf } from '../common/query.js';
import { ChangeTagDto, CreateTagDto, TagAnswer, TagListAnswer, toTagAnswer } from './tag.dto.js';
import { TAG_FILTERS } from './tag.repository.js';
import { TagsService } from './tags.service.js';

const COUNTED = {
  name: 'subscriptionCount',
  required: false,
  type: Boolean,
  description: 'If `true`, each tag has its number of subscribed devices',
} as const;

@ApiTags('Tags')
@Controller('imfpush/v1/apps/:applicationId/tags')
@UseGuards(ScopeGuard)
export class TagsController {
  constructor(private readonly tags: TagsService) {}

  @Post()
  @RequireScope('tags.write')
  @ApiOperation({ summary: 'Create a tag' })
  @ApiResponse({ status: 201, type: TagAnswer })
  @ApiResponse({
    status: 409,
    description: 'FPWSE0002E: the name is taken; CARIL0409E: the application has the maximum number of tags',
  })
  async create(
    @Param('applicationId') applicationId: string,
    @Body(new BodyPipe(CreateTagDto)) body: CreateTagDto,
  ): Promise<TagAnswer> {
    return toTagAnswer(applicationId, await this.tags.createTag(applicationId, body.name, body.description ?? ''));
  }

  @Get()
  @MayLag()
  @RequireScope('tags.read')
  @ApiOperation({ summary: 'List the tags, by name' })
  @ApiPaging()
  @ApiFilter('`name` or `description`')
  @ApiQuery(COUNTED)
  @ApiResponse({ status: 200, type: TagListAnswer })
  async list(
    @Param('applicationId') applicationId: string,
    @Query() query: QueryOf,
    @Req() request: FastifyRequest,
  ): Promise<TagListAnswer> {
    const page = readPage(query);
    const filter = readFilter(query, TAG_FILTERS);
    const expand = readExpand(query);
    const counted = readBoolean(query, 'subscriptionCount', false);
    const found = await this.tags.listTags(applicationId, filter, page, counted);
    return {
      tags: found.rows.map((tag) => toTagAnswer(applicationId, tag, expand)),
      pageInfo: toPageInfo(request.url, page, found),
    };
  }

  @Get(':tagName')
  @RequireScope('tags.read')
  @ApiOperation({ summary: 'Read a tag' })
  @ApiQuery(COUNTED)
  @ApiResponse({ status: 200, type: TagAnswer })
  @ApiResponse({ status: 404, description: 'Unknown application or tag' })
  async read(
    @Param('applicationId') applicationId: string,
    @Param('tagName') tagName: string,
    @Query() query: QueryOf,
  ): Promise<TagAnswer> {
    const counted = readBoolean(query, 'subscriptionCount', false);
    return toTagAnswer(applicationId, await this.tags.getTag(applicationId, tagName, counted));
  }

  @Put(':tagName')
  @RequireScope('tags.write')
  @ApiOperation({ summary: 'Change the description of a tag; its name stays' })
  @ApiResponse({ status: 200, type: TagAnswer })
  @ApiResponse({ status: 404, description: 'Unknown application or tag' })
  async change(
    @Param('applicationId') applicationId: string,
    @Param('tagName') tagName: string,
    @Req() request: FastifyRequest,
    @Body(new BodyPipe(ChangeTagDto)) body: ChangeTagDto,
  ): Promise<TagAnswer> {
    const { tag, before } = await this.tags.changeTag(applicationId, tagName, body);
    noteAct(request, { detail: { ...changesBetween({ description: before }, { description: tag.description }) } });
    return toTagAnswer(applicationId, tag);
  }

  @Delete(':tagName')
  @HttpCode(204)
  @RequireScope('tags.write')
  @ApiOperation({ summary: 'Remove a tag and its subscriptions' })
  @ApiResponse({ status: 204, description: 'Removed' })
  @ApiResponse({ status: 404, description: 'Unknown application or tag' })
  remove(@Param('applicationId') applicationId: string, @Param('tagName') tagName: string): Promise<void> {
    return this.tags.removeTag(applicationId, tagName);
  }
}
