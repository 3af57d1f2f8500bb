import { Body, Controller, Delete, Get, HttpCode, Param, Post, Put, Query, UseGuards } from '@nestjs/common';
import { ApiOperation, ApiQuery, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { Caller } from '../auth/admin.guard.js';
import type { Actor } from '../auth/audit.repository.js';
import { RequireScope, ScopeGuard } from '../auth/scope.guard.js';
import { BodyPipe } from '../common/body.js';
import { ApiError, invalidValue } from '../common/errors.js';
import {
  APPLICATION_ID,
  ApplicationAnswer,
  ApplicationListAnswer,
  ChangeStatusDto,
  CreateApplicationDto,
  StatusAnswer,
  toApplicationAnswer,
  toStatusAnswer,
} from './application.dto.js';
import { ApplicationsService } from './applications.service.js';

const PAGE = 100;
const MAX_PAGE = 1_000;
const PATH = '/imfpush/v1/apps/';

@ApiTags('Applications')
@Controller('imfpush/v1/apps')
@UseGuards(ScopeGuard)
export class ApplicationsController {
  constructor(private readonly applications: ApplicationsService) {}

  @Get()
  @RequireScope('apps.read')
  @ApiOperation({ summary: 'List the applications, by id' })
  @ApiQuery({ name: 'offset', required: false, schema: { type: 'integer', minimum: 0, default: 0 } })
  @ApiQuery({
    name: 'size',
    required: false,
    schema: { type: 'integer', minimum: 1, maximum: MAX_PAGE, default: PAGE },
  })
  @ApiQuery({ name: 'expand', required: false, schema: { type: 'boolean', default: false } })
  async list(
    @Query('offset') offsetText: unknown,
    @Query('size') sizeText: unknown,
    @Query('expand') expand: unknown,
    @Query('filter') filter: unknown,
  ): Promise<ApplicationListAnswer> {
    if (filter !== undefined) throw invalidValue('filter', 'applications cannot be filtered');
    if (expand !== undefined && expand !== 'true' && expand !== 'false')
      throw invalidValue('expand', 'it must be true or false');
    const offset = readCount(offsetText) ?? 0;
    const size = readCount(sizeText) ?? PAGE;
    if (Number.isNaN(offset)) throw new ApiError('FPWSE1079E', 'The offset must be a number of at least 0.');
    if (Number.isNaN(size) || size === 0) throw new ApiError('FPWSE1080E', 'The size must be a number greater than 0.');
    if (size > MAX_PAGE) throw invalidValue('size', `it must be at most ${MAX_PAGE}`);
    const { applications, total } = await this.applications.listApplications(offset, size);
    const linkTo = (to: number): string =>
      `${PATH}?offset=${to}&size=${size}${expand === 'true' ? '&expand=true' : ''}`;
    return {
      applications: applications.map((application) =>
        expand === 'true' ? toApplicationAnswer(application) : { applicationId: application.id },
      ),
      pageInfo: {
        count: String(applications.length),
        totalCount: String(total),
        next: offset + size < total ? linkTo(offset + size) : '',
        previous: offset > 0 ? linkTo(Math.max(0, offset - size)) : '',
      },
    };
  }

  @Post()
  @RequireScope('apps.write', applicationOfBody)
  @ApiOperation({ summary: 'Create an application' })
  @ApiResponse({ status: 409, description: 'FPWSE0002E: the id is taken; CARIL0409E: it is still being removed' })
  async create(@Body(new BodyPipe(CreateApplicationDto)) body: CreateApplicationDto): Promise<ApplicationAnswer> {
    return toApplicationAnswer(
      await this.applications.createApplication({ id: body.applicationId, enabled: body.enabled ?? true }),
    );
  }

  @Get(':applicationId')
  @RequireScope('apps.read')
  @ApiOperation({ summary: 'Read an application' })
  async read(@Param('applicationId') applicationId: string): Promise<ApplicationAnswer> {
    return toApplicationAnswer(await this.applications.getApplication(applicationId));
  }

  @Delete(':applicationId')
  @HttpCode(204)
  @RequireScope('apps.write')
  @ApiOperation({
    summary: 'Remove an application with its settings, devices, tags, subscriptions and messages',
    description: 'It is gone at once, and none of its messages is sent any more; large ones are deleted in steps.',
  })
  remove(@Param('applicationId') applicationId: string, @Caller() caller: Actor): Promise<void> {
    return this.applications.removeApplication(caller, applicationId);
  }

  @Get(':applicationId/status')
  @RequireScope('apps.read')
  @ApiOperation({ summary: 'Read whether an application may send' })
  async readStatus(@Param('applicationId') applicationId: string): Promise<StatusAnswer> {
    return toStatusAnswer(await this.applications.getApplication(applicationId));
  }

  @Put(':applicationId/status')
  @RequireScope('apps.write')
  @ApiOperation({ summary: 'Enable or disable an application: disabled, it accepts no messages' })
  async changeStatus(
    @Param('applicationId') applicationId: string,
    @Body(new BodyPipe(ChangeStatusDto)) { enabled }: ChangeStatusDto,
  ): Promise<ApplicationAnswer> {
    return toApplicationAnswer(await this.applications.setEnabled(applicationId, enabled));
  }
}

/** `push.application.<id>` is enough to create that application; an id that cannot be one wants `push.application.*`. */
function applicationOfBody({ body }: FastifyRequest): string | undefined {
  const id = (body as { applicationId?: unknown } | null | undefined)?.applicationId;
  return typeof id === 'string' && APPLICATION_ID.test(id) ? id : undefined;
}

/** Undefined when it is not given, NaN when it is no count: also when it is given twice. */
function readCount(text: unknown): number | undefined {
  if (text === undefined) return undefined;
  return typeof text === 'string' && /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
}
