import { Controller, Get, Param, Req, UseGuards } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { RequireScope, ScopeGuard } from '../auth/scope.guard.js';
import { ID } from '../providers/hms/hms.settings.js';
import { SUBJECT } from '../providers/web-push/web-push.settings.js';
import { PACKAGE_SID } from '../providers/wns/wns.settings.js';
import { ApplicationsService } from './applications.service.js';
import { settingsController } from './provider-settings.controller.js';
import {
  FcmSettingsAnswer,
  HmsSettingsAnswer,
  SettingsListAnswer,
  WebPushPublicAnswer,
  WebPushSettingsAnswer,
  WnsSettingsAnswer,
} from './settings.answers.js';
import { SettingsService } from './settings.service.js';

/** Of WNS and HMS. */
const SECRET = String.raw`^[\x20-\x7e]{1,500}$`;
const CONFS = ['apnsConf', 'gcmConf', 'fcmConf', 'wnsConf', 'webPushConf', 'hmsConf'] as const;

@ApiTags('Settings')
@Controller('imfpush/v1/apps/:applicationId/settings')
@UseGuards(ScopeGuard)
class SettingsController {
  constructor(private readonly applications: ApplicationsService) {}

  @Get()
  @RequireScope('settings.read')
  @ApiOperation({ summary: 'List the providers and the paths of their settings' })
  async list(
    @Param('applicationId') applicationId: string,
    @Req() { protocol, host }: FastifyRequest,
  ): Promise<SettingsListAnswer> {
    await this.applications.getApplication(applicationId);
    const base = `${protocol}://${host}/imfpush/v1/apps/${applicationId}/settings`;
    const urls = Object.fromEntries(CONFS.map((conf) => [conf, `${base}/${conf}`])) as Record<
      (typeof CONFS)[number],
      string
    >;
    return { applicationId, mode: 'PRODUCTION', ...urls };
  }
}

@ApiTags('Settings')
@Controller('imfpush/v1/apps/:applicationId/settings')
@UseGuards(ScopeGuard)
class PublicKeyController {
  constructor(private readonly settings: SettingsService) {}

  @Get('webPushConfPublic')
  @RequireScope('gcmConfPublic.read')
  @ApiOperation({
    operationId: 'SettingsController_readWebPushPublic',
    summary: 'Read the public VAPID key, with which a web page subscribes (extension)',
  })
  async readWebPushPublic(@Param('applicationId') applicationId: string): Promise<WebPushPublicAnswer> {
    const { publicKey } = await this.settings.getSettings(applicationId, 'web-push');
    return { publicKey: String(publicKey) };
  }
}

/** The order is the order of the paths in the API document. */
export const SETTINGS_CONTROLLERS = [
  SettingsController,
  settingsController({
    name: 'fcm',
    answer: FcmSettingsAnswer,
    conf: 'fcmConf',
    operationId: (verb) => `SettingsController_${verb}Fcm`,
    read: 'Read the FCM settings, without the key (extension)',
    put: 'Set the FCM service account (extension)',
    remove: 'Remove the FCM settings (extension)',
    schema: {
      type: 'object',
      required: ['serviceAccount'],
      properties: {
        serviceAccount: {
          type: 'object',
          additionalProperties: true,
          description: 'The JSON file of the service account from Google',
          example: {
            type: 'service_account',
            project_id: 'example-app',
            client_email: 'push@example-app.iam.gserviceaccount.com',
            private_key: '-----BEGIN PRIVATE KEY-----\n…\n-----END PRIVATE KEY-----\n',
            token_uri: 'https://oauth2.googleapis.com/token',
          },
        },
      },
    },
  }),
  settingsController({
    name: 'wns',
    answer: WnsSettingsAnswer,
    conf: 'wnsConf',
    operationId: (verb) => `SettingsController_${verb}Wns`,
    read: 'Read the WNS settings, without the secret',
    put: 'Set the WNS credentials of a package, or, as an extension, of an Entra app',
    remove: 'Remove the WNS settings',
    schema: {
      type: 'object',
      required: ['clientSecret'],
      properties: {
        packageSID: { type: 'string', pattern: PACKAGE_SID.source, example: 'ms-app://s-1-15-2-1-2-3-4-5-6-7' },
        tenantId: { type: 'string', description: 'With clientId, instead of packageSID' },
        clientId: { type: 'string', format: 'uuid' },
        clientSecret: { type: 'string', pattern: SECRET, example: 'the-secret-of-the-package' },
      },
    },
  }),
  settingsController({
    name: 'hms',
    answer: HmsSettingsAnswer,
    conf: 'hmsConf',
    operationId: (verb) => `SettingsController_${verb}Hms`,
    read: 'Read the HMS settings, without the secret (extension)',
    put: 'Set the HMS credentials: an OAuth client, or a service account (extension)',
    remove: 'Remove the HMS settings (extension)',
    schema: {
      oneOf: [
        {
          type: 'object',
          required: ['appId', 'clientId', 'clientSecret'],
          properties: {
            appId: { type: 'string', pattern: ID.source, example: '100000001' },
            clientId: { type: 'string', pattern: ID.source, example: '100000001' },
            clientSecret: { type: 'string', pattern: SECRET, example: 'the-secret-of-the-app' },
          },
        },
        {
          type: 'object',
          required: ['projectId', 'keyId', 'subAccount', 'privateKey'],
          properties: {
            projectId: { type: 'string', pattern: ID.source },
            keyId: { type: 'string', pattern: ID.source },
            subAccount: { type: 'string', pattern: ID.source },
            privateKey: { type: 'string', description: 'PEM of an RSA key' },
          },
        },
      ],
    },
  }),
  settingsController({
    name: 'web-push',
    answer: WebPushSettingsAnswer,
    conf: 'webPushConf',
    operationId: (verb) => `SettingsController_${verb}WebPush`,
    read: 'Read the Web Push settings, without the private key (extension)',
    put: 'Set the VAPID contact and key pair; if the keys are omitted, the pair is kept or generated (extension)',
    remove: 'Remove the Web Push settings; existing subscriptions do not accept a new key pair (extension)',
    schema: {
      type: 'object',
      required: ['subject'],
      properties: {
        subject: {
          type: 'string',
          pattern: SUBJECT.source,
          example: 'mailto:push@example.com',
          description: 'A mailto: or https: URL',
        },
        publicKey: { type: 'string', description: 'Uncompressed P-256 point in base64url' },
        privateKey: { type: 'string', description: '32 bytes in base64url' },
      },
    },
  }),
  PublicKeyController,
];
