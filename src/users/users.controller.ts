import { Controller, Delete, Get, HttpStatus, Param, Query, Res, UseGuards } from '@nestjs/common';
import { ApiOperation, ApiQuery, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { Caller } from '../auth/admin.guard.js';
import type { Actor } from '../auth/audit.repository.js';
import { RequireScopes, ScopeGuard } from '../auth/scope.guard.js';
import { readPlace, readQuery, readSize, writePlace } from '../common/query.js';
import type { Query as QueryOf } from '../common/query.js';
import { UserAnswer, toUserAnswer } from './user.answers.js';
import { UsersService } from './users.service.js';

const PAGE = 100;

/** Extensions: the data kept about one user. */
@ApiTags('Users')
@Controller('imfpush/v1/apps/:applicationId/users/:userId')
@UseGuards(ScopeGuard)
export class UsersController {
  constructor(private readonly users: UsersService) {}

  @Get()
  @RequireScopes('devices.read', 'messages.read')
  @ApiOperation({
    summary:
      'Read the data kept about a user: devices with subscriptions and attributes, values, reach, messages (extension)',
    description: 'Pages list the devices first, then the values, then the messages of each device.',
  })
  @ApiQuery({
    name: 'size',
    required: false,
    schema: { type: 'integer', minimum: 1, maximum: 1_000, default: PAGE },
    description: 'Entries per page, summed over all lists',
  })
  @ApiQuery({ name: 'after', required: false, description: '`next` of the previous page' })
  @ApiResponse({ status: 200, type: UserAnswer })
  @ApiResponse({ status: 400, description: 'A parameter is unknown or invalid, or the user is `anonymous`' })
  @ApiResponse({ status: 404, description: 'Unknown application, or nothing is kept about the user' })
  async read(
    @Param('applicationId') applicationId: string,
    @Param('userId') userId: string,
    @Query() query: QueryOf,
  ): Promise<UserAnswer> {
    const { size, after } = readQuery(query, ['size', 'after']);
    const place = after === undefined ? ([0, 0, 0] as const) : readPlace(after);
    const data = await this.users.readUser(applicationId, userId, [...place], readSize(size, PAGE));
    return toUserAnswer(userId, data, data.next && writePlace(...data.next));
  }

  @Delete()
  @RequireScopes('devices.write', 'messages.write')
  @ApiOperation({
    summary: 'Delete the data kept about a user (extension)',
    description:
      'The devices are deleted before the answer. In messages and campaigns a pseudonym replaces the ids of the user and the devices. Messages to the user alone are cancelled and emptied; their counts stay. Devices registered and messages sent afterwards are not affected.',
  })
  @ApiResponse({
    status: 202,
    description: 'The devices are deleted; the rest is deleted within minutes, also after a crash',
  })
  @ApiResponse({ status: 204, description: 'All data is deleted, or there was none' })
  @ApiResponse({ status: 400, description: 'The user is `anonymous`' })
  @ApiResponse({ status: 404, description: 'Unknown application' })
  async remove(
    @Param('applicationId') applicationId: string,
    @Param('userId') userId: string,
    @Caller() caller: Actor,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<void> {
    const isDone = await this.users.removeUser(caller, applicationId, userId);
    void reply.status(isDone ? HttpStatus.NO_CONTENT : HttpStatus.ACCEPTED);
  }
}
