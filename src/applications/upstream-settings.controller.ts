import { Body, Controller, Delete, Get, HttpCode, Param, Put, UseGuards } from '@nestjs/common';
import { ApiBody, ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import { Caller } from '../auth/admin.guard.js';
import type { Actor } from '../auth/audit.repository.js';
import { RequireScope, ScopeGuard } from '../auth/scope.guard.js';
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
  @ApiOperation({ summary: 'Read the upstream and the way out, without the secret (extension)' })
  @ApiResponse({ status: 404, description: 'Unknown application, or it has no upstream' })
  read(@Param('applicationId') applicationId: string): Promise<Record<string, unknown>> {
    return this.settings.getSettings(applicationId, 'upstream');
  }

  @Put()
  @RequireScope('upstreamConf.write')
  @ApiOperation({
    summary: 'Set the upstream and the way out; messages accepted before leave as they were to (extension)',
  })
  @ApiBody({
    schema: {
      type: 'object',
      required: ['baseUrl', 'clientId'],
      properties: {
        baseUrl: {
          type: 'string',
          example: 'http://mobilefirst.internal:9080/mfp',
          description: 'Ends with the name of the runtime; `mfp` without one',
        },
        clientId: { type: 'string' },
        secret: { type: 'string', description: 'Left out: as before, while baseUrl and clientId are' },
        mode: {
          type: 'string',
          enum: ['direct', 'upstream', 'both'],
          description: 'Left out: as before, at first upstream',
        },
        share: {
          type: 'integer',
          minimum: 0,
          maximum: 100,
          description: 'In mode both: per cent of users whose messages go direct',
        },
      },
    },
  })
  @ApiResponse({ status: 400, description: 'A field is missing or invalid: `message` names it and says why' })
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
  @ApiOperation({ summary: 'Remove the upstream: messages go direct from now on (extension)' })
  @ApiResponse({ status: 404, description: 'Unknown application, or it has no upstream' })
  @ApiResponse({ status: 409, description: 'Messages are still on their way to it' })
  remove(@Param('applicationId') applicationId: string, @Caller() caller: Actor): Promise<void> {
    return this.settings.removeUnusedSettings(caller, applicationId, 'upstream');
  }
}
