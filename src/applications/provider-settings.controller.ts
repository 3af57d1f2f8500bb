import {
  Body,
  Controller,
  Delete,
  Get,
  Headers,
  HttpCode,
  Param,
  Put,
  Res,
  UseGuards,
  applyDecorators,
} from '@nestjs/common';
import type { Type } from '@nestjs/common';
import { ApiBody, ApiHeader, ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { ApiBodyOptions } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { Caller } from '../auth/admin.guard.js';
import type { Actor } from '../auth/audit.repository.js';
import { RequireScope, ScopeGuard } from '../auth/scope.guard.js';
import { IfMatch } from '../common/if-match.js';
import { readConditions, readIfMatch, toEtag } from '../common/revision.js';
import type { Conditions } from '../common/revision.js';
import type { SettingName } from '../database/tables.js';
import { SettingsService } from './settings.service.js';
import type { ReadSettings, Settings } from './settings.service.js';

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
  /** When DELETE answers 409. */
  refusal?: string;
}

/** Documents the headers by which the second of two editors is refused. */
export const Conditional = (): MethodDecorator =>
  applyDecorators(
    IfMatch('settings'),
    ApiHeader({ name: 'If-None-Match', required: false, description: '`*`: there must be no settings yet' }),
  );

/** Sets the ETag. */
export function answerWith(reply: FastifyReply, { settings, revision }: ReadSettings): Settings {
  void reply.header('etag', toEtag(revision));
  return settings;
}

/** Returns a controller with GET, PUT and DELETE of one provider's settings. */
export function settingsController(routes: SettingsRoutes): Type {
  const { name, conf, operationId, schema, answer, warning, refusal } = routes;
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
    async read(
      @Param('applicationId') applicationId: string,
      @Res({ passthrough: true }) reply: FastifyReply,
    ): Promise<Settings> {
      return toAnswer(answerWith(reply, await this.settings.getSettings(applicationId, name)));
    }

    @Put()
    @RequireScope(routes.putScopes ?? `${conf}.write`)
    @ApiOperation({ operationId: operationId('put'), summary: routes.put, description: warning })
    @ApiBody({ schema })
    @ApiResponse({ status: 200, type: answer })
    @Conditional()
    async put(
      @Param('applicationId') applicationId: string,
      @Headers() headers: Conditions,
      @Res({ passthrough: true }) reply: FastifyReply,
      @Body() body: unknown,
      @Caller() caller: Actor,
    ): Promise<Settings> {
      const put = await this.settings.putSettings(caller, applicationId, name, body, readConditions(headers));
      return toAnswer(answerWith(reply, put));
    }

    @Delete()
    @HttpCode(204)
    @RequireScope(`${conf}.write`)
    @ApiOperation({ operationId: operationId('remove'), summary: routes.remove })
    @(refusal === undefined ? applyDecorators() : ApiResponse({ status: 409, description: refusal }))
    @IfMatch('settings')
    remove(
      @Param('applicationId') applicationId: string,
      @Headers('if-match') ifMatch: string | undefined,
      @Caller() caller: Actor,
    ): Promise<void> {
      return this.settings.removeSettings(caller, applicationId, name, readIfMatch(ifMatch));
    }
  }
  return ProviderSettingsController;
}
