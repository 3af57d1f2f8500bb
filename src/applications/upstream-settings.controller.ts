import { Body, Controller, Delete, Get, HttpCode, Param, Put, UseGuards } from '@nestjs/common';
import { ApiBody, ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import { Caller } from '../auth/admin.guard.js';
import type { Actor } from '../auth/audit.repository.js';
import { RequireScope, ScopeGuard } from '../auth/scope.guard.js';
import { CLIENT_ID, SECRET } from '../providers/upstream/upstream.settings.js';
import { UpstreamSettingsAnswer } from './settings.answers.js';
import { SettingsService } from './settings.service.js';

/**
 * Extension: settings of the MobileFirst server that relays an application's messages, and the choice of messages to
 * relay.
 */
@ApiTags('Settings')
@Controller('imfpush/v1/apps/:applicationId/settings/upstreamConf')
@UseGuards(ScopeGuard)
export class UpstreamSettingsController {
  constructor(private readonly settings: SettingsService) {}

  @Get()
  @RequireScope('upstreamConf.read')
  @ApiOperation({ summary: 'Read the upstream settings, without the secret (extension)' })
  @ApiResponse({ status: 200, type: UpstreamSettingsAnswer })
  @ApiResponse({ status: 404, description: 'Unknown application, or the application has no upstream' })
  read(@Param('applicationId') applicationId: string): Promise<Record<string, unknown>> {
    return this.settings.getSettings(applicationId, 'upstream');
  }

  @Put()
  @RequireScope('upstreamConf.write')
  @ApiOperation({
    summary: 'Set the upstream; messages accepted earlier keep their way (extension)',
  })
  @ApiBody({
    schema: {
      type: 'object',
      required: ['baseUrl', 'clientId'],
      properties: {
        baseUrl: {
          type: 'string',
          example: 'http://mobilefirst.internal:9080/mfp',
          description: 'URL that ends with the name of the runtime; without a name, `mfp` is appended',
        },
        clientId: { type: 'string', pattern: CLIENT_ID.source, example: 'carillon' },
        secret: {
          type: 'string',
          pattern: SECRET.source,
          example: 'the-secret-of-the-client',
          description: 'If omitted, the secret is kept, provided that baseUrl and clientId are unchanged',
        },
        mode: {
          type: 'string',
          enum: ['direct', 'upstream', 'both'],
          example: 'direct',
          description: 'If omitted, the mode is kept; initially `upstream`',
        },
        share: {
          type: 'integer',
          minimum: 0,
          maximum: 100,
          description: 'In mode `both`: percentage of users that get their messages from this server',
        },
      },
    },
  })
  @ApiResponse({ status: 200, type: UpstreamSettingsAnswer })
  @ApiResponse({ status: 400, description: 'A field is missing or invalid: `message` names it and the reason' })
  @ApiResponse({ status: 404, description: 'Unknown application' })
  put(
    @Param('applicationId') applicationId: string,
    @Body() body: unknown,
    @Caller() caller: Actor,
  ): Promise<Record<string, unknown>> {
    return this.settings.putSettings(caller, applicationId, 'upstream', body);
  }

  @Delete()
  @HttpCode(204)
  @RequireScope('upstreamConf.write')
  @ApiOperation({ summary: 'Remove the upstream: messages are sent from this server from now on (extension)' })
  @ApiResponse({ status: 404, description: 'Unknown application, or the application has no upstream' })
  @ApiResponse({ status: 409, description: 'Unfinished messages still need the upstream' })
  remove(@Param('applicationId') applicationId: string, @Caller() caller: Actor): Promise<void> {
    return this.settings.removeUnusedSettings(caller, applicationId, 'upstream');
  }
}
