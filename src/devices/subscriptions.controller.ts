import {
  Body,
  Controller,
  Delete,
  Get,
  HttpCode,
  HttpStatus,
  Param,
  Post,
  Query,
  Req,
  Res,
  UseGuards,
} from '@nestjs/common';
import { ApiOperation, ApiQuery, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { checkOwn } from '../auth/calling-devices.js';
import type { CallingDevice } from '../auth/calling-devices.js';
import { AllowDevice, ByDevice, RequireScope, ScopeGuard } from '../auth/scope.guard.js';
import { BodyPipe } from '../common/body.js';
import { ApiError, invalidValue, notFound } from '../common/errors.js';
import { readFilter } from '../common/filter.js';
import { isGiven } from '../common/lenient.js';
import { MayLag } from '../common/may-lag.js';
import { ApiFilter, ApiPaging, readExpand, readPage, toPageInfo } from '../common/paging.js';
import { readQuery, readText } from '../common/query.js';
import type { Query as QueryOf } from '../common/query.js';
import { readUser } from './device.dto.js';
import {
  SubscribeDto,
  SubscribedAnswer,
  SubscriptionAnswer,
  SubscriptionListAnswer,
  UnsubscribedAnswer,
  toSubscriptionAnswer,
} from './subscription.dto.js';
import { SUBSCRIPTION_FILTERS } from './subscription.repository.js';
import { SubscriptionsService, notSubscribed } from './subscriptions.service.js';

@ApiTags('Subscriptions')
@Controller('imfpush/v1/apps/:applicationId/subscriptions')
@UseGuards(ScopeGuard)
export class SubscriptionsController {
  constructor(private readonly subscriptions: SubscriptionsService) {}

  @Post()
  @AllowDevice()
  @RequireScope('subscriptions.write')
  @ApiOperation({ summary: 'Subscribe a device to one tag (201) or several (207); with action=delete, unsubscribe it' })
  @ApiQuery({ name: 'action', required: false, enum: ['delete'] })
  @ApiResponse({
    status: 200,
    type: UnsubscribedAnswer,
    description: 'With action=delete: the tags that the device was subscribed to',
  })
  @ApiResponse({ status: 201, type: SubscriptionAnswer, description: 'Subscribed to `tagName`' })
  @ApiResponse({ status: 207, type: SubscribedAnswer, description: 'The result for each of `tagNames`' })
  @ApiResponse({ status: 409, description: 'FPWSE0011E: the device is already subscribed to `tagName`' })
  async subscribe(
    @Param('applicationId') applicationId: string,
    @Query('action') action: string | undefined,
    @Body(new BodyPipe(SubscribeDto)) body: SubscribeDto,
    @ByDevice() caller: CallingDevice | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<object> {
    checkOwn(caller, body.deviceId);
    // Some SDKs send null for the member that they do not use.
    if (isGiven(body.tagName) === isGiven(body.tagNames))
      throw invalidValue('tagName', 'give either tagName or the list tagNames');
    if (action === 'delete') return this.unsubscribeMany(applicationId, body, reply);
    if (action !== undefined) throw invalidValue('action', 'it must be delete');
    if (isGiven(body.tagName)) return this.subscribeOne(applicationId, body.deviceId, body.tagName);
    void reply.status(HttpStatus.MULTI_STATUS);
    return this.subscribeMany(applicationId, body.deviceId, body.tagNames ?? []);
  }

  @Delete()
  @HttpCode(204)
  @AllowDevice()
  @RequireScope('subscriptions.write')
  @ApiOperation({ summary: 'Unsubscribe a device from a tag' })
  @ApiQuery({ name: 'deviceId', schema: { type: 'string', minLength: 1 } })
  @ApiQuery({ name: 'tagName', schema: { type: 'string', minLength: 1 } })
  @ApiResponse({ status: 204, description: 'Removed' })
  @ApiResponse({ status: 400, description: 'FPWSE0008E: a parameter is missing; FPWSE0007E: a parameter is unknown' })
  @ApiResponse({ status: 404, description: 'FPWSE0012E: the subscription does not exist' })
  async unsubscribe(
    @Param('applicationId') applicationId: string,
    @Query() query: QueryOf,
    @ByDevice() caller: CallingDevice | undefined,
  ): Promise<void> {
    const { deviceId, tagName } = readQuery(query, ['deviceId', 'tagName']);
    checkOwn(caller, deviceId);
    if (!deviceId || !tagName)
      throw new ApiError('FPWSE0008E', `The query parameter '${deviceId ? 'tagName' : 'deviceId'}' is missing.`);
    const left = await this.subscriptions.unsubscribe(applicationId, deviceId, [tagName]);
    if (left.length === 0) throw notSubscribed();
  }

  @Get()
  @MayLag()
  @AllowDevice()
  @RequireScope('subscriptions.read')
  @ApiOperation({ summary: 'List all subscriptions, or those of a device, tag or user' })
  @ApiQuery({ name: 'deviceId', required: false, type: String })
  @ApiQuery({ name: 'tagName', required: false, type: String })
  @ApiQuery({ name: 'userId', required: false, type: String })
  @ApiPaging()
  @ApiFilter('`tagName` or `deviceId`')
  @ApiResponse({ status: 200, type: SubscriptionListAnswer })
  async list(
    @Param('applicationId') applicationId: string,
    @Query() query: QueryOf,
    @Req() request: FastifyRequest,
    @ByDevice() caller: CallingDevice | undefined,
  ): Promise<SubscriptionListAnswer> {
    checkOwn(caller, query.deviceId);
    const page = readPage(query);
    const expand = readExpand(query);
    const wanted = {
      deviceId: readText(query, 'deviceId'),
      tagName: readText(query, 'tagName'),
      userId: readUser(query),
      filter: readFilter(query, SUBSCRIPTION_FILTERS),
    };
    const found = await this.subscriptions.listSubscriptions(applicationId, wanted, page);
    return {
      subscriptions: found.rows.map((each) => toSubscriptionAnswer(applicationId, each, expand)),
      pageInfo: toPageInfo(request.url, page, found),
    };
  }

  @Get(':subscriptionId')
  @RequireScope('subscriptions.read')
  @ApiOperation({ summary: 'Read a subscription' })
  @ApiResponse({ status: 200, type: SubscriptionAnswer })
  @ApiResponse({ status: 404, description: 'FPWSE0012E: the subscription does not exist' })
  async read(
    @Param('applicationId') applicationId: string,
    @Param('subscriptionId') subscriptionId: string,
  ): Promise<SubscriptionAnswer> {
    return toSubscriptionAnswer(applicationId, await this.subscriptions.getSubscription(applicationId, subscriptionId));
  }

  @Delete(':subscriptionId')
  @HttpCode(204)
  @RequireScope('subscriptions.write')
  @ApiOperation({ summary: 'End a subscription' })
  @ApiResponse({ status: 204, description: 'Removed' })
  @ApiResponse({ status: 404, description: 'FPWSE0012E: the subscription does not exist' })
  remove(
    @Param('applicationId') applicationId: string,
    @Param('subscriptionId') subscriptionId: string,
  ): Promise<void> {
    return this.subscriptions.removeSubscription(applicationId, subscriptionId);
  }

  private async subscribeOne(applicationId: string, deviceId: string, tagName: string): Promise<SubscriptionAnswer> {
    const { subscribed, unknown } = await this.subscriptions.subscribe(applicationId, deviceId, [tagName]);
    if (unknown.length > 0) throw notFound('tag', 'tagName');
    if (!subscribed[0]) throw new ApiError('FPWSE0011E', 'The subscription exists already.');
    return toSubscriptionAnswer(applicationId, subscribed[0], false);
  }

  private async subscribeMany(
    applicationId: string,
    deviceId: string,
    tagNames: readonly string[],
  ): Promise<SubscribedAnswer> {
    const result = await this.subscriptions.subscribe(applicationId, deviceId, tagNames);
    return {
      tagsNotFound: {
        tags: result.unknown,
        message: result.unknown.length > 0 ? 'Not found: these tags do not exist.' : '',
        code: result.unknown.length > 0 ? 'FPWSE0001E' : '',
      },
      subscriptionExists: result.existing,
      subscribed: result.subscribed.map((each) => toSubscriptionAnswer(applicationId, each, false)),
    };
  }

  private async unsubscribeMany(
    applicationId: string,
    body: SubscribeDto,
    reply: FastifyReply,
  ): Promise<UnsubscribedAnswer> {
    void reply.status(HttpStatus.OK);
    const tagNames = body.tagNames ?? [body.tagName ?? ''];
    const unsubscribed = await this.subscriptions.unsubscribe(applicationId, body.deviceId, tagNames);
    return { deviceId: body.deviceId, unsubscribed };
  }
}
