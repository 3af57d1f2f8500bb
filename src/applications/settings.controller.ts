import { Body, Controller, Delete, Get, HttpCode, Param, Put, UseGuards } from '@nestjs/common';
import { ApiBody, ApiOperation, ApiTags } from '@nestjs/swagger';
import { RequireScope, ScopeGuard } from '../auth/scope.guard.js';
import { ApiError } from '../common/errors.js';
import { ApplicationsService } from './applications.service.js';

/** Each provider has its own form of settings and checks it itself, so the body is taken as it comes. */
type Settings = Record<string, unknown>;

@ApiTags('Settings')
@Controller('imfpush/v1/apps/:applicationId/settings')
@UseGuards(ScopeGuard)
export class SettingsController {
  constructor(private readonly applications: ApplicationsService) {}

  @Get('apnsConf')
  @RequireScope('apnsConf.read')
  @ApiOperation({ summary: 'Read the APNs settings, without the key' })
  readApns(@Param('applicationId') applicationId: string): Promise<Settings> {
    return this.applications.getSettings(applicationId, 'apns');
  }

  @Put('apnsConf')
  @RequireScope('apnsConf.write')
  @ApiOperation({ summary: 'Set the APNs token key, or a certificate' })
  @ApiBody({
    schema: {
      oneOf: [
        {
          type: 'object',
          required: ['key', 'keyId', 'teamId', 'bundleId'],
          properties: {
            key: { type: 'string', description: 'Text of the .p8 file' },
            keyId: { type: 'string', example: 'ABC123DEFG' },
            teamId: { type: 'string', example: 'DEF123GHIJ' },
            bundleId: { type: 'string', example: 'com.example.app' },
            isSandBox: { type: 'boolean', default: false },
          },
        },
        {
          type: 'object',
          required: ['certificate'],
          properties: {
            certificate: { type: 'string', description: 'The .p12 file in base64' },
            password: { type: 'string' },
            bundleId: { type: 'string', description: 'When the certificate does not name it' },
            isSandBox: { type: 'boolean', default: false },
          },
        },
      ],
    },
  })
  putApns(@Param('applicationId') applicationId: string, @Body() body: unknown): Promise<Settings> {
    return this.applications.putSettings(applicationId, 'apns', asObject(body));
  }

  @Delete('apnsConf')
  @HttpCode(204)
  @RequireScope('apnsConf.write')
  @ApiOperation({ summary: 'Remove the APNs settings' })
  removeApns(@Param('applicationId') applicationId: string): Promise<void> {
    return this.applications.removeSettings(applicationId, 'apns');
  }

  @Get('fcmConf')
  @RequireScope('fcmConf.read')
  @ApiOperation({ summary: 'Read the FCM settings, without the key (extension)' })
  readFcm(@Param('applicationId') applicationId: string): Promise<Settings> {
    return this.applications.getSettings(applicationId, 'fcm');
  }

  @Put('fcmConf')
  @RequireScope('fcmConf.write')
  @ApiOperation({ summary: 'Set the FCM service account (extension)' })
  @ApiBody({
    schema: {
      type: 'object',
      required: ['serviceAccount'],
      properties: { serviceAccount: { type: 'object', description: 'The JSON file that Google hands out' } },
    },
  })
  putFcm(@Param('applicationId') applicationId: string, @Body() body: unknown): Promise<Settings> {
    return this.applications.putSettings(applicationId, 'fcm', asObject(body));
  }

  @Delete('fcmConf')
  @HttpCode(204)
  @RequireScope('fcmConf.write')
  @ApiOperation({ summary: 'Remove the FCM settings (extension)' })
  removeFcm(@Param('applicationId') applicationId: string): Promise<void> {
    return this.applications.removeSettings(applicationId, 'fcm');
  }

  @Get('wnsConf')
  @RequireScope('wnsConf.read')
  @ApiOperation({ summary: 'Read the WNS settings, without the secret' })
  readWns(@Param('applicationId') applicationId: string): Promise<Settings> {
    return this.applications.getSettings(applicationId, 'wns');
  }

  @Put('wnsConf')
  @RequireScope('wnsConf.write')
  @ApiOperation({ summary: 'Set the WNS credentials: of a package, or of an Entra app (extension)' })
  @ApiBody({
    schema: {
      type: 'object',
      required: ['clientSecret'],
      properties: {
        packageSID: { type: 'string', example: 'ms-app://s-1-15-2-1-2-3-4-5-6-7' },
        tenantId: { type: 'string', description: 'With clientId, in place of packageSID' },
        clientId: { type: 'string', format: 'uuid' },
        clientSecret: { type: 'string' },
      },
    },
  })
  putWns(@Param('applicationId') applicationId: string, @Body() body: unknown): Promise<Settings> {
    return this.applications.putSettings(applicationId, 'wns', asObject(body));
  }

  @Delete('wnsConf')
  @HttpCode(204)
  @RequireScope('wnsConf.write')
  @ApiOperation({ summary: 'Remove the WNS settings' })
  removeWns(@Param('applicationId') applicationId: string): Promise<void> {
    return this.applications.removeSettings(applicationId, 'wns');
  }

  @Get('hmsConf')
  @RequireScope('hmsConf.read')
  @ApiOperation({ summary: 'Read the HMS settings, without the secret (extension)' })
  readHms(@Param('applicationId') applicationId: string): Promise<Settings> {
    return this.applications.getSettings(applicationId, 'hms');
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
  putHms(@Param('applicationId') applicationId: string, @Body() body: unknown): Promise<Settings> {
    return this.applications.putSettings(applicationId, 'hms', asObject(body));
  }

  @Delete('hmsConf')
  @HttpCode(204)
  @RequireScope('hmsConf.write')
  @ApiOperation({ summary: 'Remove the HMS settings (extension)' })
  removeHms(@Param('applicationId') applicationId: string): Promise<void> {
    return this.applications.removeSettings(applicationId, 'hms');
  }

  @Get('webPushConf')
  @RequireScope('webPushConf.read')
  @ApiOperation({ summary: 'Read the Web Push settings, without the private key (extension)' })
  readWebPush(@Param('applicationId') applicationId: string): Promise<Settings> {
    return this.applications.getSettings(applicationId, 'web-push');
  }

  @Get('webPushConfPublic')
  @RequireScope('gcmConfPublic.read')
  @ApiOperation({ summary: 'Read the public VAPID key, what a page subscribes with (extension)' })
  async readWebPushPublic(@Param('applicationId') applicationId: string): Promise<Settings> {
    const { publicKey } = await this.applications.getSettings(applicationId, 'web-push');
    return { publicKey };
  }

  @Put('webPushConf')
  @RequireScope('webPushConf.write')
  @ApiOperation({ summary: 'Set the VAPID contact and key pair; without keys the pair is kept, or made (extension)' })
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
  putWebPush(@Param('applicationId') applicationId: string, @Body() body: unknown): Promise<Settings> {
    return this.applications.putSettings(applicationId, 'web-push', asObject(body));
  }

  @Delete('webPushConf')
  @HttpCode(204)
  @RequireScope('webPushConf.write')
  @ApiOperation({ summary: 'Remove the Web Push settings; a new pair does not reach old subscriptions (extension)' })
  removeWebPush(@Param('applicationId') applicationId: string): Promise<void> {
    return this.applications.removeSettings(applicationId, 'web-push');
  }
}

function asObject(body: unknown): Settings {
  if (typeof body === 'string') throw new ApiError('CARIL0405E', 'The content type must be application/json.');
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw new ApiError('FPWSE0004E', 'The body must be a JSON object.');
  return body as Settings;
}
