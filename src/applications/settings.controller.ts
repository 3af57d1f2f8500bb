import { Body, Controller, Delete, Get, HttpCode, Param, Put, Req, UseGuards } from '@nestjs/common';
import { ApiBody, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { Caller } from '../auth/admin.guard.js';
import type { Actor } from '../auth/audit.repository.js';
import { RequireScope, ScopeGuard } from '../auth/scope.guard.js';
import { ApplicationsService } from './applications.service.js';
import { SettingsService } from './settings.service.js';
import type { Settings } from './settings.service.js';

const CONFS = ['apnsConf', 'gcmConf', 'fcmConf', 'wnsConf', 'webPushConf', 'hmsConf'] as const;
type SettingsAnswer = { applicationId: string; mode: 'PRODUCTION' } & Record<(typeof CONFS)[number], string>;

@ApiTags('Settings')
@Controller('imfpush/v1/apps/:applicationId/settings')
@UseGuards(ScopeGuard)
export class SettingsController {
  constructor(
    private readonly applications: ApplicationsService,
    private readonly settings: SettingsService,
  ) {}

  @Get()
  @RequireScope('settings.read')
  @ApiOperation({ summary: 'List the providers and the paths of their settings' })
  async list(
    @Param('applicationId') applicationId: string,
    @Req() { protocol, host }: FastifyRequest,
  ): Promise<SettingsAnswer> {
    await this.applications.getApplication(applicationId);
    const base = `${protocol}://${host}/imfpush/v1/apps/${applicationId}/settings`;
    const urls = Object.fromEntries(CONFS.map((conf) => [conf, `${base}/${conf}`])) as Record<
      (typeof CONFS)[number],
      string
    >;
    return { applicationId, mode: 'PRODUCTION', ...urls };
  }

  @Get('fcmConf')
  @RequireScope('fcmConf.read')
  @ApiOperation({ summary: 'Read the FCM settings, without the key (extension)' })
  readFcm(@Param('applicationId') applicationId: string): Promise<Settings> {
    return this.settings.getSettings(applicationId, 'fcm');
  }

  @Put('fcmConf')
  @RequireScope('fcmConf.write')
  @ApiOperation({ summary: 'Set the FCM service account (extension)' })
  @ApiBody({
    schema: {
      type: 'object',
      required: ['serviceAccount'],
      properties: {
        serviceAccount: { type: 'object', description: 'The JSON file of the service account from Google' },
      },
    },
  })
  putFcm(
    @Param('applicationId') applicationId: string,
    @Body() body: unknown,
    @Caller() caller: Actor,
  ): Promise<Settings> {
    return this.settings.putSettings(caller, applicationId, 'fcm', body);
  }

  @Delete('fcmConf')
  @HttpCode(204)
  @RequireScope('fcmConf.write')
  @ApiOperation({ summary: 'Remove the FCM settings (extension)' })
  removeFcm(@Param('applicationId') applicationId: string, @Caller() caller: Actor): Promise<void> {
    return this.settings.removeSettings(caller, applicationId, 'fcm');
  }

  @Get('wnsConf')
  @RequireScope('wnsConf.read')
  @ApiOperation({ summary: 'Read the WNS settings, without the secret' })
  readWns(@Param('applicationId') applicationId: string): Promise<Settings> {
    return this.settings.getSettings(applicationId, 'wns');
  }

  @Put('wnsConf')
  @RequireScope('wnsConf.write')
  @ApiOperation({ summary: 'Set the WNS credentials of a package, or, as an extension, of an Entra app' })
  @ApiBody({
    schema: {
      type: 'object',
      required: ['clientSecret'],
      properties: {
        packageSID: { type: 'string', example: 'ms-app://s-1-15-2-1-2-3-4-5-6-7' },
        tenantId: { type: 'string', description: 'With clientId, instead of packageSID' },
        clientId: { type: 'string', format: 'uuid' },
        clientSecret: { type: 'string' },
      },
    },
  })
  putWns(
    @Param('applicationId') applicationId: string,
    @Body() body: unknown,
    @Caller() caller: Actor,
  ): Promise<Settings> {
    return this.settings.putSettings(caller, applicationId, 'wns', body);
  }

  @Delete('wnsConf')
  @HttpCode(204)
  @RequireScope('wnsConf.write')
  @ApiOperation({ summary: 'Remove the WNS settings' })
  removeWns(@Param('applicationId') applicationId: string, @Caller() caller: Actor): Promise<void> {
    return this.settings.removeSettings(caller, applicationId, 'wns');
  }

  @Get('hmsConf')
  @RequireScope('hmsConf.read')
  @ApiOperation({ summary: 'Read the HMS settings, without the secret (extension)' })
  readHms(@Param('applicationId') applicationId: string): Promise<Settings> {
    return this.settings.getSettings(applicationId, 'hms');
  }

  @Put('hmsConf')
  @RequireScope('hmsConf.write')
  @ApiOperation({ summary: 'Set the HMS credentials: an OAuth client, or a service account (extension)' })
  @ApiBody({
    schema: {
      oneOf: [
        {
          type: 'object',
          required: ['appId', 'clientId', 'clientSecret'],
          properties: {
            appId: { type: 'string' },
            clientId: { type: 'string' },
            clientSecret: { type: 'string' },
          },
        },
        {
          type: 'object',
          required: ['projectId', 'keyId', 'subAccount', 'privateKey'],
          properties: {
            projectId: { type: 'string' },
            keyId: { type: 'string' },
            subAccount: { type: 'string' },
            privateKey: { type: 'string', description: 'PEM of an RSA key' },
          },
        },
      ],
    },
  })
  putHms(
    @Param('applicationId') applicationId: string,
    @Body() body: unknown,
    @Caller() caller: Actor,
  ): Promise<Settings> {
    return this.settings.putSettings(caller, applicationId, 'hms', body);
  }

  @Delete('hmsConf')
  @HttpCode(204)
  @RequireScope('hmsConf.write')
  @ApiOperation({ summary: 'Remove the HMS settings (extension)' })
  removeHms(@Param('applicationId') applicationId: string, @Caller() caller: Actor): Promise<void> {
    return this.settings.removeSettings(caller, applicationId, 'hms');
  }

  @Get('webPushConf')
  @RequireScope('webPushConf.read')
  @ApiOperation({ summary: 'Read the Web Push settings, without the private key (extension)' })
  readWebPush(@Param('applicationId') applicationId: string): Promise<Settings> {
    return this.settings.getSettings(applicationId, 'web-push');
  }

  @Get('webPushConfPublic')
  @RequireScope('gcmConfPublic.read')
  @ApiOperation({ summary: 'Read the public VAPID key, with which a web page subscribes (extension)' })
  async readWebPushPublic(@Param('applicationId') applicationId: string): Promise<Settings> {
    const { publicKey } = await this.settings.getSettings(applicationId, 'web-push');
    return { publicKey };
  }

  @Put('webPushConf')
  @RequireScope('webPushConf.write')
  @ApiOperation({
    summary: 'Set the VAPID contact and key pair; if the keys are omitted, the pair is kept or generated (extension)',
  })
  @ApiBody({
    schema: {
      type: 'object',
      required: ['subject'],
      properties: {
        subject: { type: 'string', example: 'mailto:push@example.com', description: 'A mailto: or https: URL' },
        publicKey: { type: 'string', description: 'Uncompressed P-256 point in base64url' },
        privateKey: { type: 'string', description: '32 bytes in base64url' },
      },
    },
  })
  putWebPush(
    @Param('applicationId') applicationId: string,
    @Body() body: unknown,
    @Caller() caller: Actor,
  ): Promise<Settings> {
    return this.settings.putSettings(caller, applicationId, 'web-push', body);
  }

  @Delete('webPushConf')
  @HttpCode(204)
  @RequireScope('webPushConf.write')
  @ApiOperation({
    summary: 'Remove the Web Push settings; existing subscriptions do not accept a new key pair (extension)',
  })
  removeWebPush(@Param('applicationId') applicationId: string, @Caller() caller: Actor): Promise<void> {
    return this.settings.removeSettings(caller, applicationId, 'web-push');
  }
}
