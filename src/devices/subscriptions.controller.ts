import { Body, Controller, Delete, HttpCode, HttpStatus, Param, Post, Query, Res, UseGuards } from '@nestjs/common';
import { ApiOperation, ApiQuery, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { RequireScope, ScopeGuard } from '../auth/scope.guard.js';
import { BodyPipe } from '../common/body.js';
import { ApiError, invalidValue, notFound } from '../common/errors.js';
import { SubscribeDto } from './device.dto.js';
import { SubscriptionsService } from './subscriptions.service.js';

@ApiTags('Subscriptions')
@Controller('imfpush/v1/apps/:applicationId/subscriptions')
@UseGuards(ScopeGuard)
export class SubscriptionsController {
  constructor(private readonly subscriptions: SubscriptionsService) {}

  @Post()
  @RequireScope('subscriptions.write')
  @ApiOperation({ summary: 'Subscribe a device to one tag (201) or several (207); with action=delete, unsubscribe it' })
  @ApiQuery({ name: 'action', required: false, enum: ['delete'] })
  @ApiResponse({ status: 201, description: 'Subscribed to `tagName`' })
  @ApiResponse({ status: 207, description: 'What became of each of `tagNames`' })
  async subscribe(
    @Param('applicationId') applicationId: string,
    @Query('action') action: string | undefined,
    @Body(new BodyPipe(SubscribeDto)) body: SubscribeDto,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Record<string, unknown>> {
    // Some SDKs send the one they do not use as null.
    if (isGiven(body.tagName) === isGiven(body.tagNames))
      throw invalidValue('tagName', 'give one tagName or a list tagNames');
    if (action === 'delete') return this.unsubscribeMany(applicationId, body, reply);
    if (action !== undefined) throw invalidValue('action', 'it must be delete');
    if (isGiven(body.tagName)) return this.subscribeOne(applicationId, body.deviceId, body.tagName);
    void reply.status(HttpStatus.MULTI_STATUS);
    return this.subscribeMany(applicationId, body.deviceId, body.tagNames ?? []);
  }

  @Delete()
  @HttpCode(204)
  @RequireScope('subscriptions.write')
  @ApiOperation({ summary: 'Unsubscribe a device from a tag' })
  async unsubscribe(
    @Param('applicationId') applicationId: string,
    @Query('deviceId') deviceId: string | undefined,
    @Query('tagName') tagName: string | undefined,
  ): Promise<void> {
    if (!deviceId || !tagName)
      throw new ApiError('FPWSE0008E', `The query parameter '${deviceId ? 'tagName' : 'deviceId'}' is missing.`);
    const left = await this.subscriptions.unsubscribe(applicationId, deviceId, [tagName]);
    if (left.length === 0) throw new ApiError('FPWSE0012E', 'The subscription does not exist.');
  }

  private async subscribeOne(
    applicationId: string,
    deviceId: string,
    tagName: string,
  ): Promise<Record<string, unknown>> {
    const { subscribed, unknown } = await this.subscriptions.subscribe(applicationId, deviceId, [tagName]);
    if (unknown.length > 0) throw notFound('tag', 'tagName');
    if (!subscribed[0]) throw new ApiError('FPWSE0011E', 'The subscription exists already.');
    return { deviceId, ...subscribed[0], href: hrefOf(applicationId, subscribed[0].subscriptionId) };
  }

  private async subscribeMany(
    applicationId: string,
    deviceId: string,
    tagNames: readonly string[],
  ): Promise<Record<string, unknown>> {
    const result = await this.subscriptions.subscribe(applicationId, deviceId, tagNames);
    return {
      tagsNotFound: {
        tags: result.unknown,
        message: result.unknown.length > 0 ? 'Not found: these tags do not exist.' : '',
        code: result.unknown.length > 0 ? 'FPWSE0001E' : '',
      },
      subscriptionExists: result.existing,
      subscribed: result.subscribed.map((subscription) => ({
        ...subscription,
        deviceId,
        href: hrefOf(applicationId, subscription.subscriptionId),
      })),
    };
  }

  private async unsubscribeMany(
    applicationId: string,
    body: SubscribeDto,
    reply: FastifyReply,
  ): Promise<Record<string, unknown>> {
    void reply.status(HttpStatus.OK);
    const tagNames = body.tagNames ?? [body.tagName ?? ''];
    const unsubscribed = await this.subscriptions.unsubscribe(applicationId, body.deviceId, tagNames);
    return { deviceId: body.deviceId, unsubscribed };
  }
}

function isGiven<T>(value: T | null | undefined): value is T {
  return value !== undefined && value !== null;
}

function hrefOf(applicationId: string, subscriptionId: string): string {
  return `/imfpush/v1/apps/${applicationId}/subscriptions/${subscriptionId}`;
}
