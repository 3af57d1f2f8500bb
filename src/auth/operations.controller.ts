import { Body, Controller, Get, Post, Query, Req } from '@nestjs/common';
import type { StreamableFile } from '@nestjs/common';
import { ApiBody, ApiExtraModels, ApiOperation, ApiQuery, ApiResponse, ApiTags, getSchemaPath } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { Produces } from '../common/accept.guard.js';
import { StrictBodyPipe } from '../common/body.js';
import { invalidValue } from '../common/errors.js';
import { NDJSON, TRAILER_SCHEMA, answerLines } from '../common/line-answer.js';
import { readWord } from '../common/query.js';
import { AdministratorsOnly, AllowRoles, Caller } from './admin.guard.js';
import { FROM_DATE, TO_DATE, readSpan, readText } from './audit-query.js';
import { AUDIT_OUTCOMES, AuditRepository } from './audit.repository.js';
import type { Actor } from './audit.repository.js';
import {
  AuditEventAnswer,
  AuditEventListAnswer,
  RotateKeyDto,
  SigningKeyListAnswer,
  toEventAnswer,
  toKeyAnswer,
} from './operations.dto.js';
import { InRuntime } from './runtime.guard.js';
import { LEAD_S, SigningKeys } from './signing-keys.js';

const PAGE = 100;
const MAX_PAGE = 1_000;

/** Signing keys and audit events, for operators. */
@ApiTags('Administration')
@Controller('mfpadmin/management-apis/2.0/runtimes/:runtimeName')
@InRuntime()
@AdministratorsOnly()
export class OperationsController {
  constructor(
    private readonly keys: SigningKeys,
    private readonly audit: AuditRepository,
  ) {}

  @Get('signingkeys')
  @AllowRoles('mfpadmin', 'mfpdeployer', 'mfpoperator', 'mfpmonitor')
  @ApiOperation({ summary: 'List the keys that verify tokens now (extension)' })
  listKeys(): SigningKeyListAnswer {
    return { keys: this.keys.verifying().map(toKeyAnswer) };
  }

  @Post('signingkeys')
  @AllowRoles('mfpadmin')
  @ApiOperation({
    summary: 'Create the next signing key; earlier keys verify until their last token has expired (extension)',
  })
  @ApiBody({ type: RotateKeyDto, required: false })
  async rotateKey(
    @Body(new StrictBodyPipe(RotateKeyDto, { optional: true })) body: RotateKeyDto,
    @Caller() caller: Actor,
  ): Promise<SigningKeyListAnswer> {
    await this.keys.rotate(caller, { leadMs: (body.leadSeconds ?? LEAD_S) * 1_000 });
    return this.listKeys();
  }

  @Get('auditevents')
  @AllowRoles('mfpadmin', 'mfpmonitor')
  @ApiOperation({ summary: 'List the audit events: client, change, time and address, newest first (extension)' })
  @ApiQuery({
    name: 'size',
    required: false,
    schema: { type: 'integer', minimum: 1, maximum: MAX_PAGE, default: PAGE },
  })
  @ApiQuery({
    name: 'before',
    required: false,
    schema: { type: 'integer', minimum: 1, maximum: Number.MAX_SAFE_INTEGER },
    description: 'Only events with a smaller id; for the next page, the last id of the previous page',
  })
  @ApiQuery({ name: 'clientId', required: false, description: 'Only events of this client or person' })
  @ApiQuery({ name: 'action', required: false, description: 'Only events of this action', example: 'client.secret' })
  @ApiQuery({ name: 'subject', required: false, description: 'Only events of this client, key or application' })
  @ApiQuery({ name: 'outcome', required: false, enum: AUDIT_OUTCOMES, description: 'Only events with this outcome' })
  @ApiQuery(FROM_DATE)
  @ApiQuery(TO_DATE)
  @Produces(NDJSON)
  @ApiExtraModels(AuditEventAnswer, AuditEventListAnswer)
  @ApiResponse({
    status: 200,
    description: 'A page, or with `Accept: application/x-ndjson` all events, one a line, and the trailer',
    content: {
      'application/json': { schema: { $ref: getSchemaPath(AuditEventListAnswer) } },
      [NDJSON]: { schema: { oneOf: [{ $ref: getSchemaPath(AuditEventAnswer) }, TRAILER_SCHEMA] } },
    },
  })
  async listEvents(
    @Req() { headers }: FastifyRequest,
    @Query('size') size?: string,
    @Query('before') before?: string,
    @Query('clientId') clientId?: string,
    @Query('action') action?: string,
    @Query('subject') subject?: string,
    @Query('outcome') outcome?: string,
    @Query('fromDate') fromDate?: string,
    @Query('toDate') toDate?: string,
  ): Promise<AuditEventListAnswer | StreamableFile> {
    const from = numberOf('before', before, Number.MAX_SAFE_INTEGER);
    const filter = {
      clientId: readText('clientId', clientId),
      action: readText('action', action),
      subject: readText('subject', subject),
      outcome: readWord('outcome', readText('outcome', outcome), AUDIT_OUTCOMES),
      ...readSpan(fromDate, toDate),
    };
    if (headers.accept?.includes(NDJSON))
      return answerLines('The export of the audit', this.audit.listAll(from, filter), toEventAnswer);
    const events = await this.audit.list(numberOf('size', size, MAX_PAGE) ?? PAGE, from, filter);
    return { events: events.map(toEventAnswer) };
  }
}

function numberOf(name: string, text: string | undefined, most: number): number | undefined {
  if (text === undefined) return undefined;
  const value = /^\d{1,16}$/.test(text) ? Number(text) : 0;
  if (value < 1 || value > most) throw invalidValue(name, `it must be a number from 1 to ${most}`);
  return value;
}
