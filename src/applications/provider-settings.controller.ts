import { Body, Controller, Delete, Get, HttpCode, Param, Put, UseGuards } from '@nestjs/common';
import type { Type } from '@nestjs/common';
import { ApiBody, ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { ApiBodyOptions } from '@nestjs/swagger';
import { Caller } from '../auth/admin.guard.js';
import type { Actor } from '../auth/audit.repository.js';
import { RequireScope, ScopeGuard } from '../auth/scope.guard.js';
import type { SettingName } from '../database/tables.js';
import { SettingsService } from './settings.service.js';
import type { Settings } from './settings.service.js';

type Verb = 'read' | 'put' | 'remove';

/** The differences between providers. `read`, `put` and `remove` are the summaries of the operations. */
interface SettingsRoutes extends Record<Verb, string> {
  name: SettingName;
  /** Last segment of the path, and first part of the scopes. */
  conf: string;
  /** PUT requires one of these scopes; if omitted, `<conf>.write`. */
  putScopes?: string[];
  operationId: (verb: Verb) => string;
  /** Body of PUT. */
  schema: Extract<ApiBodyOptions, { schema: unknown }>['schema'];
  /** The answer of GET and PUT. */
  answer: Type<object>;
  /** Shown in the API document and in each answer. */
  warning?: string;
}

/** Returns a controller with GET, PUT and DELETE of one provider's settings. */
export function settingsController(routes: SettingsRoutes): Type {
  const { name, conf, operationId, schema, answer, warning } = routes;
  const toAnswer = (settings: Settings): Settings => (warning ? { ...settings, warnings: [warning] } : settings);

  @ApiTags('Settings')
  @Controller(`imfpush/v1/apps/:applicationId/settings/${conf}`)
  @UseGuards(ScopeGuard)
  class ProviderSettingsController {
    constructor(private readonly settings: SettingsService) {}

    @Get()
    @RequireScope(`${conf}.read`)
    @ApiOperation({ operationId: operationId('read'), summary: routes.read, description: warning })
    @ApiResponse({ status: 200, type: answer })
    async read(@Param('applicationId') applicationId: string): Promise<Settings> {
      return toAnswer(await this.settings.getSettings(applicationId, name));
    }

    @Put()
    @RequireScope(routes.putScopes ?? `${conf}.write`)
    @ApiOperation({ operationId: operationId('put'), summary: routes.put, description: warning })
    @ApiBody({ schema })
    @ApiResponse({ status: 200, type: answer })
    async put(
      @Param('applicationId') applicationId: string,
      @Body() body: unknown,
      @Caller() caller: Actor,
    ): Promise<Settings> {
      return toAnswer(await this.settings.putSettings(caller, applicationId, name, body));
    }

    @Delete()
    @HttpCode(204)
    @RequireScope(`${conf}.write`)
    @ApiOperation({ operationId: operationId('remove'), summary: routes.remove })
    remove(@Param('applicationId') applicationId: string, @Caller() caller: Actor): Promise<void> {
      return this.settings.removeSettings(caller, applicationId, name);
    }
  }
  return ProviderSettingsController;
}
