import { Controller, Get, Param, Req, UseGuards } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { RequireScope, ScopeGuard } from '../auth/scope.guard.js';
import { ApplicationsService } from './applications.service.js';
import { settingsController } from './provider-settings.controller.js';
import { FCM_BODY, HMS_BODY, UPSTREAM_BODY, WEB_PUSH_BODY, WNS_BODY } from './settings.bodies.js';
import {
  FcmSettingsAnswer,
  HmsSettingsAnswer,
  SettingsListAnswer,
  UpstreamSettingsAnswer,
  WebPushPublicAnswer,
  WebPushSettingsAnswer,
  WnsSettingsAnswer,
} from './settings.answers.js';
import { SettingsService } from './settings.service.js';

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
    const { settings } = await this.settings.getSettings(applicationId, 'web-push');
    return { publicKey: String(settings.publicKey) };
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
    schema: FCM_BODY,
  }),
  settingsController({
    name: 'wns',
    answer: WnsSettingsAnswer,
    conf: 'wnsConf',
    operationId: (verb) => `SettingsController_${verb}Wns`,
    read: 'Read the WNS settings, without the secret',
    put: 'Set the WNS credentials of a package, or, as an extension, of an Entra app',
    remove: 'Remove the WNS settings',
    schema: WNS_BODY,
  }),
  settingsController({
    name: 'hms',
    answer: HmsSettingsAnswer,
    conf: 'hmsConf',
    operationId: (verb) => `SettingsController_${verb}Hms`,
    read: 'Read the HMS settings, without the secret (extension)',
    put: 'Set the HMS credentials: an OAuth client, or a service account (extension)',
    remove: 'Remove the HMS settings (extension)',
    schema: HMS_BODY,
  }),
  settingsController({
    name: 'web-push',
    answer: WebPushSettingsAnswer,
    conf: 'webPushConf',
    operationId: (verb) => `SettingsController_${verb}WebPush`,
    read: 'Read the Web Push settings, without the private key (extension)',
    put: 'Set the VAPID contact and key pair; if the keys are omitted, the pair is kept or generated (extension)',
    remove: 'Remove the Web Push settings; existing subscriptions do not accept a new key pair (extension)',
    schema: WEB_PUSH_BODY,
  }),
  settingsController({
    name: 'upstream',
    answer: UpstreamSettingsAnswer,
    conf: 'upstreamConf',
    operationId: (verb) => `UpstreamSettingsController_${verb}`,
    read: 'Read the settings of the MobileFirst server that relays messages, without the secret (extension)',
    put: 'Set the upstream, and the choice of messages to relay; messages accepted earlier keep their way (extension)',
    remove: 'Remove the upstream: messages are sent from this server from now on (extension)',
    refusal: 'Unfinished messages still need the upstream',
    schema: UPSTREAM_BODY,
  }),
  PublicKeyController,
];
