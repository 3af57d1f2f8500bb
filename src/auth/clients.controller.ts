import { Body, Controller, Delete, Get, Header, HttpCode, Inject, Param, Patch, Post, Put } from '@nestjs/common';
import { ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { BodyPipe, StrictBodyPipe } from '../common/body.js';
import { Clock } from '../common/clock.js';
import { CONFIG } from '../common/tokens.js';
import type { Config } from '../config.js';
import { AdministratorsOnly, AllowRoles, Caller } from './admin.guard.js';
import type { Actor } from './audit.repository.js';
import {
  ChangeClientDto,
  ClientAnswer,
  ClientListAnswer,
  ClientListDto,
  NewClientAnswer,
  NewClientDto,
  RotateSecretDto,
  TransactionAnswer,
  toClientAnswer,
} from './client.dto.js';
import { ClientsService } from './clients.service.js';
import type { ChangedClient } from './clients.service.js';
import { InRuntime } from './runtime.guard.js';

/** Of MobileFirst, whose callers read it. */
const PRODUCT_VERSION = '8.0';
const DAY_S = 86_400;

/** The list as MobileFirst's administration has it (mobilefirst.md §11), and besides each client by itself. */
@ApiTags('Administration')
@Controller('mfpadmin/management-apis/2.0/runtimes/:runtime/confidentialclients')
@InRuntime()
@AdministratorsOnly()
export class ClientsController {
  constructor(
    private readonly clients: ClientsService,
    private readonly clock: Clock,
    @Inject(CONFIG) private readonly config: Pick<Config, 'runtimeName'>,
  ) {}

  @Get()
  @AllowRoles('mfpadmin', 'mfpdeployer')
  @ApiOperation({ summary: 'List the confidential clients; never a secret' })
  async list(): Promise<ClientListAnswer> {
    const now = this.clock.now();
    const clients = (await this.clients.list()).map((client) => toClientAnswer(client, now));
    return { clients, productVersion: PRODUCT_VERSION };
  }

  @Put()
  @AllowRoles('mfpadmin', 'mfpdeployer')
  @ApiOperation({ summary: 'Replace the list: clients not in it are deleted; a secret left out is kept' })
  @ApiResponse({ status: 400, description: 'FPWSE0005E naming the client and field; nothing was changed' })
  @ApiResponse({ status: 409, description: 'CARIL0409E: no client would be left that may administer' })
  async replaceAll(
    @Body(new BodyPipe(ClientListDto)) { clients }: ClientListDto,
    @Caller() caller: Actor,
  ): Promise<TransactionAnswer> {
    const started = this.clock.now();
    await this.clients.replaceAll(caller, clients);
    return {
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
  @ApiOperation({ summary: 'Create a client; a secret made here is shown this once (extension)' })
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
  @ApiResponse({ status: 404, description: 'FPWSE0001E: there is none of this id' })
  async read(@Param('clientId') clientId: string): Promise<ClientAnswer> {
    return toClientAnswer(await this.clients.get(clientId), this.clock.now());
  }

  @Patch(':clientId')
  @AllowRoles('mfpadmin', 'mfpdeployer')
  @ApiOperation({
    summary: 'Change name, allowed scope, or whether it is enabled; effective everywhere within seconds (extension)',
  })
  @ApiResponse({ status: 404, description: 'FPWSE0001E: there is none of this id' })
  @ApiResponse({ status: 409, description: 'CARIL0409E: no client would be left that may administer' })
  async update(
    @Param('clientId') clientId: string,
    @Body(new StrictBodyPipe(ChangeClientDto)) body: ChangeClientDto,
    @Caller() caller: Actor,
  ): Promise<ClientAnswer> {
    return toClientAnswer(await this.clients.update(caller, clientId, body), this.clock.now());
  }

  @Delete(':clientId')
  @AllowRoles('mfpadmin', 'mfpdeployer')
  @HttpCode(204)
  @ApiOperation({ summary: 'Delete a client; its tokens die with it (extension)' })
  @ApiResponse({ status: 404, description: 'FPWSE0001E: there is none of this id' })
  @ApiResponse({ status: 409, description: 'CARIL0409E: no client would be left that may administer' })
  async remove(@Param('clientId') clientId: string, @Caller() caller: Actor): Promise<void> {
    await this.clients.remove(caller, clientId);
  }

  @Post(':clientId/secret')
  @AllowRoles('mfpadmin', 'mfpdeployer')
  @HttpCode(200)
  @Header('cache-control', 'no-store')
  @ApiOperation({
    summary: 'Rotate the secret; one made here is shown this once, the old one holds for a stated time (extension)',
  })
  @ApiResponse({ status: 404, description: 'FPWSE0001E: there is none of this id' })
  @ApiResponse({ status: 409, description: 'CARIL0409E: the secret before the last still holds' })
  async rotateSecret(
    @Param('clientId') clientId: string,
    @Body(new StrictBodyPipe(RotateSecretDto, { optional: true })) body: RotateSecretDto,
    @Caller() caller: Actor,
  ): Promise<NewClientAnswer> {
    const overlapMs = (body.overlapSeconds ?? DAY_S) * 1_000;
    return this.toAnswer(await this.clients.rotateSecret(caller, clientId, body.secret, overlapMs));
  }

  private toAnswer({ client, secret }: ChangedClient): NewClientAnswer {
    return toClientAnswer(client, this.clock.now(), secret);
  }
}
