import { Body, Controller, Delete, Get, HttpCode, Param, Put, UseGuards } from '@nestjs/common';
import { ApiBody, ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import { Caller } from '../auth/admin.guard.js';
import type { Actor } from '../auth/audit.repository.js';
import { RequireScope, ScopeGuard } from '../auth/scope.guard.js';
import { ApiError } from '../common/errors.js';
import { TakesBody } from '../common/takes-body.js';
import { ApplicationsService } from './applications.service.js';
import { SettingsService } from './settings.service.js';
import type { Settings } from './settings.service.js';

const NOTHING_GOES_OUT =
  'gcmConf delivers nothing: Google has switched off the API for these keys. Set a service account with fcmConf.';
const NO_SMS = 'Carillon sends no SMS; there are no SMS settings.';

/**
 * MobileFirst's settings that no provider accepts any more: GCM keys, kept so that apps can read the sender id, and
 * SMS.
 */
@ApiTags('Settings')
@Controller('imfpush/v1/apps/:applicationId/settings')
@UseGuards(ScopeGuard)
export class LegacySettingsController {
  constructor(
    private readonly applications: ApplicationsService,
    private readonly settings: SettingsService,
  ) {}

  @Get('gcmConf')
  @RequireScope('gcmConf.read')
  @ApiOperation({ summary: 'Read the GCM settings, without the key', description: NOTHING_GOES_OUT })
  async readGcm(@Param('applicationId') applicationId: string): Promise<Settings> {
    return withWarning(await this.settings.getSettings(applicationId, 'gcm'));
  }

  @Put('gcmConf')
  // MobileFirst's page of this call names apnsConf.write.
  @RequireScope(['gcmConf.write', 'apnsConf.write'])
  @ApiOperation({
    summary: 'Store the GCM settings, for apps that read their sender id',
    description: NOTHING_GOES_OUT,
  })
  @ApiBody({
    schema: {
      type: 'object',
      required: ['senderId'],
      properties: { senderId: { type: 'string', example: '123456789012' }, apiKey: { type: 'string' } },
    },
  })
  async putGcm(
    @Param('applicationId') applicationId: string,
    @Body() body: unknown,
    @Caller() caller: Actor,
  ): Promise<Settings> {
    return withWarning(await this.settings.putSettings(caller, applicationId, 'gcm', body));
  }

  @Delete('gcmConf')
  @HttpCode(204)
  @RequireScope('gcmConf.write')
  @ApiOperation({ summary: 'Remove the GCM settings' })
  removeGcm(@Param('applicationId') applicationId: string, @Caller() caller: Actor): Promise<void> {
    return this.settings.removeSettings(caller, applicationId, 'gcm');
  }

  @Get('gcmConfPublic')
  @RequireScope('gcmConfPublic.read')
  @ApiOperation({ summary: 'Read the sender id for the registration of an Android app' })
  async readGcmPublic(@Param('applicationId') applicationId: string): Promise<{ senderId: unknown }> {
    const { senderId } = await this.settings.getSettings(applicationId, 'gcm');
    return { senderId };
  }

  @Get('smsConf')
  @HttpCode(404)
  @RequireScope('smsConf.read')
  @ApiOperation({ summary: 'There are no SMS settings' })
  @ApiResponse({ status: 404, description: NO_SMS })
  async readSms(@Param('applicationId') applicationId: string): Promise<never> {
    await this.applications.getApplication(applicationId);
    throw new ApiError('FPWSE0001E', `Not found: ${NO_SMS}`);
  }

  @Put('smsConf')
  @TakesBody()
  @HttpCode(400)
  @RequireScope('smsConf.write')
  @ApiOperation({ summary: 'Refused: Carillon sends no SMS' })
  @ApiResponse({ status: 400, description: NO_SMS })
  async putSms(@Param('applicationId') applicationId: string): Promise<never> {
    await this.applications.getApplication(applicationId);
    throw new ApiError('FPWSE0005E', NO_SMS);
  }

  @Delete('smsConf')
  @HttpCode(404)
  @RequireScope('smsConf.write')
  @ApiOperation({ summary: 'There are no SMS settings' })
  @ApiResponse({ status: 404, description: NO_SMS })
  removeSms(@Param('applicationId') applicationId: string): Promise<never> {
    return this.readSms(applicationId);
  }
}

function withWarning(settings: Settings): Settings {
  return { ...settings, warnings: [NOTHING_GOES_OUT] };
}
