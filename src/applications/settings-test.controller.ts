import { Body, Controller, HttpCode, Param, Post, UseGuards } from '@nestjs/common';
import type { Type } from '@nestjs/common';
import { ApiBody, ApiOperation, ApiTags } from '@nestjs/swagger';
import { RequireScope, ScopeGuard } from '../auth/scope.guard.js';
import type { Schema } from '../common/schema.js';
import type { ProviderName } from '../providers/provider.js';
import { SettingsTestAnswer } from './settings.answers.js';
import { APNS_BODY, FCM_BODY, HMS_BODY, UPSTREAM_BODY, WEB_PUSH_BODY, WNS_BODY } from './settings.bodies.js';
import { SettingsTestService } from './settings-test.service.js';

/** Extension: `POST settings/<conf>/test` of each provider. */
export const SETTINGS_TESTS = [
  testController('apns', 'apnsConf', 'Apns', APNS_BODY, 'Apple is asked with a device token that no device has.'),
  testController('fcm', 'fcmConf', 'Fcm', FCM_BODY, 'Google issues an access token and validates a message.'),
  testController('wns', 'wnsConf', 'Wns', WNS_BODY, 'Microsoft issues an access token.'),
  testController('hms', 'hmsConf', 'Hms', HMS_BODY, 'Huawei is asked with a device token that no device has.'),
  testController('web-push', 'webPushConf', 'WebPush', WEB_PUSH_BODY, 'The keys are compared; no server is asked.'),
  testController('upstream', 'upstreamConf', 'Upstream', UPSTREAM_BODY, 'The upstream issues an access token.'),
];

function testController(provider: ProviderName, conf: string, id: string, schema: Schema, how: string): Type {
  @ApiTags('Settings')
  @Controller(`imfpush/v1/apps/:applicationId/settings/${conf}/test`)
  @UseGuards(ScopeGuard)
  class SettingsTestController {
    constructor(private readonly settings: SettingsTestService) {}

    @Post()
    @HttpCode(200)
    @RequireScope(`${conf}.write`)
    @ApiOperation({
      operationId: `SettingsTestController_test${id}`,
      summary:
        'Test the stored settings, or the given ones before they are stored; no device gets anything (extension)',
      description: `${how} The process that answers asks the provider, for 20 seconds at most.`,
    })
    @ApiBody({ schema, required: false })
    test(@Param('applicationId') applicationId: string, @Body() body: unknown): Promise<SettingsTestAnswer> {
      return this.settings.test(applicationId, provider, body);
    }
  }
  return SettingsTestController;
}
