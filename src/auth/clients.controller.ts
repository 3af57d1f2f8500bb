import {
  Body,
  Controller,
  Delete,
  Get,
  Header,
  Headers,
  HttpCode,
  Inject,
  Param,
  Patch,
  Post,
  Put,
  Query,
  Res,
} from '@nestjs/common';
import { ApiBody, ApiOperation, ApiQuery, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { BodyPipe, StrictBodyPipe } from '../common/body.js';
import { Clock } from '../common/clock.js';
import { DAY_S } from '../common/durations.js';
import { invalidValue } from '../common/errors.js';
import { readBoolean, readQuery } from '../common/query.js';
import type { Query as QueryOf } from '../common/query.js';
import { IfMatch } from '../common/if-match.js';
import { readIfMatch, toEtag } from '../common/revision.js';
import { CONFIG } from '../common/tokens.js';
import type { Config } from '../config.js';
import { AdministratorsOnly, AllowRoles, Caller } from './admin.guard.js';
import type { Actor } from './audit.repository.js';
import {
  ChangedClientAnswer,
  ClientAnswer,
  ClientListAnswer,
  DepartureAnswer,
  NewClientAnswer,
  TransactionAnswer,
  toClientAnswer,
} from './client.answers.js';
import { ChangeClientDto, ClientListDto, NewClientDto, RotateSecretDto } from './client.dto.js';
import type { Client } from './client.js';
import { ClientsService, clientRevision, listRevision } from './clients.service.js';
import type { ChangedClient } from './clients.service.js';
import { Departures } from './departures.js';
import { InRuntime } from './runtime.guard.js';

/** Of MobileFirst, whose callers read it. */
const PRODUCT_VERSION = '8.0';
const STOP = 'stopMessages';
/** Of the calls by which clients leave. */
const ApiStop = (): MethodDecorator =>
  ApiQuery({
    name: STOP,
    required: false,
    enum: ['true', 'false'],
    description:
      'Extension: pause the campaigns and cancel the messages of the clients that are deleted or disabled, for eight seconds at most, in the applications that the caller’s allowed scope covers with `campaigns.write` and `messages.write`',
  });

/** The list of MobileFirst's administration (docs/protocol/mobilefirst.md §11), and each client by itself. */
@ApiTags('Administration')
@Controller('mfpadmin/management-apis/2.0/runtimes/:runtimeName/confidentialclients')
@InRuntime()
@AdministratorsOnly()
export class ClientsController {
  constructor(
    private readonly clients: ClientsService,
    private readonly departures: Departures,
    private readonly clock: Clock,
    @Inject(CONFIG) private readonly config: Pick<Config, 'runtimeName'>,
  ) {}

  @Get()
  @AllowRoles('mfpadmin', 'mfpdeployer')
  @ApiOperation({ summary: 'List the confidential clients, without their secrets' })
  async list(@Res({ passthrough: true }) reply: FastifyReply): Promise<ClientListAnswer> {
    const now = this.clock.now();
    const clients = await this.clients.list();
    void reply.header('etag', toEtag(listRevision(clients)));
    return { clients: clients.map((client) => toClientAnswer(client, now)), productVersion: PRODUCT_VERSION };
  }

  @Put()
  @AllowRoles('mfpadmin', 'mfpdeployer')
  @ApiOperation({
    summary: 'Replace the list of clients: a client not in the list is deleted; an omitted secret is kept',
  })
  @ApiStop()
  @ApiResponse({
    status: 400,
    description: 'FPWSE0005E: `message` names the client and the field; nothing was changed',
  })
  @ApiResponse({ status: 409, description: 'CARIL0409E: no client with the right to administer would be left' })
  @IfMatch('list')
  async replaceAll(
    @Body(new BodyPipe(ClientListDto)) { clients }: ClientListDto,
    @Headers('if-match') ifMatch: string | undefined,
    @Query() query: QueryOf,
    @Caller() caller: Actor,
  ): Promise<TransactionAnswer> {
    const started = this.clock.now();
    const stop = readBoolean(query, STOP, false);
    const revisions = readIfMatch(ifMatch);
    const left = await this.departures.settle(caller, stop, () => this.clients.replaceAll(caller, clients, revisions));
    return {
      ...(left.planted.length > 0 && left),
      ok: true,
      productVersion: PRODUCT_VERSION,
      transaction: {
        id: randomUUID(),
        type: 'UPLOAD_ARTIFACT',
        status: 'SUCCESS',
        timeCreated: new Date(started).toISOString(),
        timeUpdated: new Date(this.clock.now()).toISOString(),
        userName: caller.clientId,
        appServerId: hostname(),
        description: { name: 'confidential clients', type: 'CONFIDENTIAL_CLIENTS' },
        errors: [],
        project: { name: this.config.runtimeName },
      },
    };
  }

  @Post()
  @AllowRoles('mfpadmin', 'mfpdeployer')
  @Header('cache-control', 'no-store')
  @ApiOperation({ summary: 'Create a client; only this answer contains a generated secret (extension)' })
  @ApiResponse({ status: 409, description: 'FPWSE0002E: the id is taken' })
  async create(
    @Body(new StrictBodyPipe(NewClientDto)) body: NewClientDto,
    @Caller() caller: Actor,
  ): Promise<NewClientAnswer> {
    return this.toAnswer(await this.clients.create(caller, body));
  }

  @Get(':clientId')
  @AllowRoles('mfpadmin', 'mfpdeployer')
  @ApiOperation({ summary: 'Read a client (extension)' })
  @ApiResponse({ status: 404, description: 'FPWSE0001E: the client does not exist' })
  async read(
    @Param('clientId') clientId: string,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ClientAnswer> {
    return this.answerWith(reply, await this.clients.get(clientId));
  }

  @Patch(':clientId')
  @AllowRoles('mfpadmin', 'mfpdeployer')
  @ApiOperation({
    summary:
      'Change the name, the allowed scope, the limits or `enabled` of a client; effective in every process within seconds (extension)',
  })
  @ApiStop()
  @ApiResponse({ status: 404, description: 'FPWSE0001E: the client does not exist' })
  @ApiResponse({ status: 409, description: 'CARIL0409E: no client with the right to administer would be left' })
  @IfMatch('client')
  async update(
    @Param('clientId') clientId: string,
    @Headers('if-match') ifMatch: string | undefined,
    @Body(new StrictBodyPipe(ChangeClientDto)) body: ChangeClientDto,
    @Caller() caller: Actor,
    @Query() query: QueryOf,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ChangedClientAnswer> {
    const revisions = readIfMatch(ifMatch);
    const change = async (): Promise<ChangedClientAnswer> =>
      this.answerWith(reply, await this.clients.update(caller, clientId, body, revisions));
    const stop = readStop(query);
    if (stop && body.enabled !== false) throw invalidValue(STOP, 'it needs enabled to be false');
    if (body.enabled !== false) return change();
    let answer: ChangedClientAnswer | undefined;
    const left = await this.departures.settle(caller, stop, async () => {
      answer = await change();
      return [clientId];
    });
    return Object.assign(answer!, left.planted.length > 0 && left);
  }

  @Delete(':clientId')
  @AllowRoles('mfpadmin', 'mfpdeployer')
  @HttpCode(204)
  @ApiOperation({ summary: 'Delete a client; its tokens become invalid (extension)' })
  @IfMatch('client')
  @ApiStop()
  @ApiResponse({
    status: 200,
    type: DepartureAnswer,
    description:
      'Deleted. The client has, or had until they were stopped, active campaigns or messages that would still be sent',
  })
  @ApiResponse({ status: 204, description: 'Deleted. The client leaves no campaigns or messages to send' })
  @ApiResponse({
    status: 404,
    description:
      'FPWSE0001E: the client does not exist; with `stopMessages`, there are no campaigns or messages of the client either',
  })
  @ApiResponse({ status: 409, description: 'CARIL0409E: no client with the right to administer would be left' })
  async remove(
    @Param('clientId') clientId: string,
    @Headers('if-match') ifMatch: string | undefined,
    @Caller() caller: Actor,
    @Query() query: QueryOf,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<DepartureAnswer | undefined> {
    const revisions = readIfMatch(ifMatch);
    const stop = readStop(query);
    const gone = stop && !(await this.clients.list()).some(({ id }) => id === clientId);
    const left = await this.departures.settle(caller, stop, async () => {
      if (!gone) await this.clients.remove(caller, clientId, revisions);
      return [clientId];
    });
    if (left.planted.length > 0) {
      void reply.status(200);
      return left;
    }
    // Throws if the client does not exist and has left nothing.
    if (gone) await this.clients.get(clientId);
    return undefined;
  }

  @Post(':clientId/secret')
  @AllowRoles('mfpadmin', 'mfpdeployer')
  @HttpCode(200)
  @Header('cache-control', 'no-store')
  @ApiOperation({
    summary:
      'Rotate the secret: only this answer contains a generated secret; the old secret stays valid for `overlapSeconds` (extension)',
  })
  @ApiBody({ type: RotateSecretDto, required: false })
  @ApiResponse({ status: 404, description: 'FPWSE0001E: the client does not exist' })
  @ApiResponse({ status: 409, description: 'CARIL0409E: the overlap of the last rotation has not ended' })
  async rotateSecret(
    @Param('clientId') clientId: string,
    @Body(new StrictBodyPipe(RotateSecretDto, { optional: true })) body: RotateSecretDto,
    @Caller() caller: Actor,
  ): Promise<NewClientAnswer> {
    const overlapMs = (body.overlapSeconds ?? DAY_S) * 1_000;
    return this.toAnswer(await this.clients.rotateSecret(caller, clientId, body, overlapMs));
  }

  private answerWith(reply: FastifyReply, client: Client): ClientAnswer {
    void reply.header('etag', toEtag(clientRevision(client)));
    return toClientAnswer(client, this.clock.now());
  }

  private toAnswer({ client, secret }: ChangedClient): NewClientAnswer {
    return toClientAnswer(client, this.clock.now(), secret);
  }
}

/** Strict: if a misspelled word were ignored, the messages would be sent. */
function readStop(query: QueryOf): boolean {
  return readBoolean(readQuery(query, [STOP]), STOP, false);
}
