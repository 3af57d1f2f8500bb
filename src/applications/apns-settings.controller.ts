import { Controller, Delete, Get, Headers, HttpCode, Param, Put, Req, Res, UseGuards } from '@nestjs/common';
import { ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { Caller } from '../auth/admin.guard.js';
import type { Actor } from '../auth/audit.repository.js';
import { RequireScope, ScopeGuard } from '../auth/scope.guard.js';
import { Produces } from '../common/accept.guard.js';
import { ApiError, invalidValue, notFound } from '../common/errors.js';
import { IfMatch } from '../common/if-match.js';
import { readForm } from '../common/multipart-form.js';
import type { MultipartRequest } from '../common/multipart-form.js';
import { readConditions, readIfMatch } from '../common/revision.js';
import type { Conditions } from '../common/revision.js';
import { TakesBody } from '../common/takes-body.js';
import { Conditional, answerWith } from './provider-settings.controller.js';
import { ApnsSettingsAnswer } from './settings.answers.js';
import { APNS_BODY, APNS_FORM } from './settings.bodies.js';
import { SettingsService } from './settings.service.js';
import type { Settings } from './settings.service.js';

/** The .p12 file is returned only if its password has at least this many characters. */
const SHORTEST_PASSWORD = 12;

@ApiTags('Settings')
@Controller('imfpush/v1/apps/:applicationId/settings')
@UseGuards(ScopeGuard)
export class ApnsSettingsController {
  constructor(private readonly settings: SettingsService) {}

  @Get('apnsConf')
  @RequireScope('apnsConf.read')
  @ApiOperation({ summary: 'Read the APNs settings, without key and password' })
  @ApiResponse({ status: 200, type: ApnsSettingsAnswer })
  async read(
    @Param('applicationId') applicationId: string,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Settings> {
    return toAnswer(answerWith(reply, await this.settings.getSettings(applicationId, 'apns')));
  }

  @Put('apnsConf')
  @TakesBody()
  @RequireScope('apnsConf.write')
  @ApiOperation({
    summary: 'Set the APNs certificate, as a form or in JSON, or a token key',
    requestBody: {
      required: true,
      content: {
        'multipart/form-data': { schema: APNS_FORM },
        'application/json': { schema: APNS_BODY },
      },
    },
  })
  @ApiResponse({ status: 200, type: ApnsSettingsAnswer })
  @Conditional()
  async put(
    @Param('applicationId') applicationId: string,
    @Req() request: MultipartRequest,
    @Headers() headers: Conditions,
    @Res({ passthrough: true }) reply: FastifyReply,
    @Caller() caller: Actor,
  ): Promise<Settings> {
    const input = request.formBytes === undefined ? request.body : await readCertificateForm(request);
    const put = await this.settings.putSettings(caller, applicationId, 'apns', input, readConditions(headers));
    return toAnswer(answerWith(reply, put));
  }

  @Delete('apnsConf')
  @HttpCode(204)
  @RequireScope('apnsConf.write')
  @ApiOperation({ summary: 'Remove the APNs settings' })
  @IfMatch('settings')
  remove(
    @Param('applicationId') applicationId: string,
    @Headers('if-match') ifMatch: string | undefined,
    @Caller() caller: Actor,
  ): Promise<void> {
    return this.settings.removeSettings(caller, applicationId, 'apns', readIfMatch(ifMatch));
  }

  @Get('apnsCert')
  @RequireScope('apnsCert.read')
  @Produces('application/octet-stream')
  @ApiOperation({ summary: 'Read the APNs certificate: the uploaded .p12 file, protected by its password' })
  @ApiResponse({
    status: 200,
    content: { 'application/octet-stream': { schema: { type: 'string', format: 'binary' } } },
  })
  @ApiResponse({ status: 409, description: 'CARIL0409E: the password of the file has fewer than 12 characters' })
  async readCertificate(
    @Param('applicationId') applicationId: string,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Buffer> {
    const { visible, secret } = await this.settings.findSettings(applicationId, 'apns');
    if (typeof secret.certificate !== 'string') throw notFound('APNs certificate', 'applicationId');
    // Only the password protects the private key from a reader of the file, and a reader can try passwords offline.
    if (String(secret.password).length < SHORTEST_PASSWORD)
      throw new ApiError(
        'CARIL0409E',
        `The certificate's password has fewer than ${SHORTEST_PASSWORD} characters, so the file is not returned.`,
      );
    const name = encodeURIComponent(typeof visible.certificate === 'string' ? visible.certificate : 'certificate.p12');
    void reply.type('application/octet-stream').header('content-disposition', `attachment; filename*=UTF-8''${name}`);
    return Buffer.from(secret.certificate, 'base64');
  }
}

/** `isSandBox` is text, as in MobileFirst's samples. */
function toAnswer(settings: Settings): Settings {
  return { ...settings, isSandBox: String(settings.isSandBox) };
}

async function readCertificateForm(request: MultipartRequest): Promise<Settings> {
  const { fields, files } = await readForm(request);
  const certificate = files.get('certificate');
  if (!certificate) throw invalidValue('certificate', 'it must be a .p12 file in a file field of the form');
  return {
    ...Object.fromEntries(fields),
    certificate: certificate.content.toString('base64'),
    ...(certificate.name && { fileName: certificate.name }),
  };
}
