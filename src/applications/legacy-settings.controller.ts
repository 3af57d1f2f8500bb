import { Controller, Delete, Get, HttpCode, Param, Put, UseGuards } from '@nestjs/common';
import { ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import { RequireScope, ScopeGuard } from '../auth/scope.guard.js';
import { ApiError } from '../common/errors.js';
import { TakesBody } from '../common/takes-body.js';
import { GIVEN } from '../providers/fcm/gcm.settings.js';
import { ApplicationsService } from './applications.service.js';
import { settingsController } from './provider-settings.controller.js';
import { GcmPublicAnswer, GcmSettingsAnswer } from './settings.answers.js';
import { SettingsService } from './settings.service.js';

const NOTHING_GOES_OUT =
  'gcmConf delivers nothing: Google has switched off the API for these keys. Set a service account with fcmConf.';
const NO_SMS = 'Carillon sends no SMS; there are no SMS settings.';

export const GcmSettingsController = settingsController({
  name: 'gcm',
  conf: 'gcmConf',
  // MobileFirst's page of this call names apnsConf.write.
  putScopes: ['gcmConf.write', 'apnsConf.write'],
  operationId: (verb) => `LegacySettingsController_${verb}Gcm`,
  read: 'Read the GCM settings, without the key',
  put: 'Store the GCM settings, for apps that read their sender id',
  remove: 'Remove the GCM settings',
  warning: NOTHING_GOES_OUT,
  answer: GcmSettingsAnswer,
  schema: {
    type: 'object',
    required: ['senderId'],
    properties: {
      senderId: { type: 'string', pattern: GIVEN.source, example: '123456789012' },
      apiKey: { type: 'string', pattern: GIVEN.source },
    },
  },
});

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

  @Get('gcmConfPublic')
  @RequireScope('gcmConfPublic.read')
  @ApiOperation({ summary: 'Read the sender id for the registration of an Android app' })
  async readGcmPublic(@Param('applicationId') applicationId: string): Promise<GcmPublicAnswer> {
    const { settings } = await this.settings.getSettings(applicationId, 'gcm');
    return { senderId: String(settings.senderId) };
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
