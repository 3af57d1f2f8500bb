import { Body, Controller, Get, Param, Post, UseGuards } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { RequireScope, ScopeGuard } from '../auth/scope.guard.js';
import { BodyPipe } from '../common/body.js';
import { ApplicationAnswer, CreateApplicationDto } from './application.dto.js';
import type { Application } from './application.repository.js';
import { ApplicationsService } from './applications.service.js';

@ApiTags('Applications')
@Controller('imfpush/v1/apps')
@UseGuards(ScopeGuard)
export class ApplicationsController {
  constructor(private readonly applications: ApplicationsService) {}

  @Post()
  @RequireScope('apps.write')
  @ApiOperation({ summary: 'Create an application' })
  async create(@Body(new BodyPipe(CreateApplicationDto)) body: CreateApplicationDto): Promise<ApplicationAnswer> {
    return toAnswer(
      await this.applications.createApplication({ id: body.applicationId, enabled: body.enabled ?? true }),
    );
  }

  @Get(':applicationId')
  @RequireScope('apps.read')
  @ApiOperation({ summary: 'Read an application' })
  async read(@Param('applicationId') applicationId: string): Promise<ApplicationAnswer> {
    return toAnswer(await this.applications.getApplication(applicationId));
  }
}

function toAnswer(application: Application): ApplicationAnswer {
  return { applicationId: application.id, enabled: application.enabled ? 'true' : 'false' };
}
