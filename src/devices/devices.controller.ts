import { Body, Controller, Delete, Get, HttpCode, Param, Post, Put, Query, Req, UseGuards } from '@nestjs/common';
import { ApiOperation, ApiQuery, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { CallingDevices, checkOwn } from '../auth/calling-devices.js';
import type { CallingDevice } from '../auth/calling-devices.js';
import { AllowDevice, ByDevice, RequireScope, ScopeGuard } from '../auth/scope.guard.js';
import { BodyPipe } from '../common/body.js';
import { readFilter } from '../common/filter.js';
import { isGiven } from '../common/lenient.js';
import { MayLag } from '../common/may-lag.js';
import { ApiFilter, ApiPaging, readExpand, readPage, toPageInfo } from '../common/paging.js';
import type { Query as QueryOf } from '../common/query.js';
import {
  DeviceAnswer,
  DeviceListAnswer,
  RegisterDeviceDto,
  UpdateDeviceDto,
  readUser,
  readUserId,
  toDeviceAnswer,
  toShortAnswer,
} from './device.dto.js';
import { DEVICE_FILTERS } from './device.repository.js';
import { ApiDeviceSearch, readSearch } from './device-search.js';
import { DevicesService } from './devices.service.js';

@ApiTags('Devices')
@Controller('imfpush/v1/apps/:applicationId/devices')
@UseGuards(ScopeGuard)
export class DevicesController {
  constructor(
    private readonly devices: DevicesService,
    private readonly callers: CallingDevices,
  ) {}

  @Post()
  @AllowDevice()
  @RequireScope('devices.write')
  @ApiOperation({
    summary: 'Register a device, or update its registration',
    description:
      'If another device id has the token, the token moves to this device and the other registration ends. `language`, `timeZone`, `appVersion` and `attributes` (extensions) keep their values if omitted; null clears them.',
  })
  @ApiResponse({ status: 201, type: DeviceAnswer })
  @ApiResponse({ status: 400, description: 'FPWSE0005E: `message` names the field and the reason' })
  @ApiResponse({ status: 404, description: 'Unknown application' })
  @ApiResponse({
    status: 409,
    description: 'CARIL0409E: the device is new, and the application has the maximum number of devices',
  })
  async register(
    @Param('applicationId') applicationId: string,
    @Body(new BodyPipe(RegisterDeviceDto)) body: RegisterDeviceDto,
    @ByDevice() caller: CallingDevice | undefined,
  ): Promise<DeviceAnswer> {
    if (!caller) return toDeviceAnswer(await this.devices.registerDevice(applicationId, body));
    checkOwn(caller, body.deviceId, isGiven(body.userId) ? readUserId(body.userId) : undefined);
    const own = Object.assign(body, { userId: caller.userId ?? undefined });
    // A change, because a registration would bring back a device that is removed at this moment.
    if (caller.seq !== null) return toDeviceAnswer(await this.devices.updateDevice(applicationId, body.deviceId, own));
    const device = await this.devices.registerDevice(applicationId, own);
    return Object.assign(toDeviceAnswer(device), { deviceToken: await this.callers.renew(caller) });
  }

  @Get()
  @MayLag()
  @RequireScope('devices.read')
  @ApiOperation({
    summary: 'List the devices, in the order of their registration',
    description:
      'The parameters marked as extensions search by an index, also in millions of devices; a device must match all of them. A search counts at most 20000 devices into `totalCount`. If every parameter alone fits more than 20000 devices, a page may have fewer devices than its size, or none, although its `next` leads to more.',
  })
  @ApiQuery({
    name: 'userId',
    required: false,
    type: String,
    description: 'Devices of one user; `anonymous`: devices without a user',
  })
  @ApiPaging()
  @ApiDeviceSearch()
  @ApiFilter('`platform` (`==` only)')
  @ApiResponse({ status: 200, type: DeviceListAnswer })
  async list(
    @Param('applicationId') applicationId: string,
    @Query() query: QueryOf,
    @Req() request: FastifyRequest,
  ): Promise<DeviceListAnswer> {
    const page = readPage(query);
    const toAnswer = readExpand(query) ? toDeviceAnswer : toShortAnswer;
    const wanted = { userId: readUser(query), filter: readFilter(query, DEVICE_FILTERS), search: readSearch(query) };
    const found = await this.devices.listDevices(applicationId, wanted, page);
    return { devices: found.rows.map(toAnswer), pageInfo: toPageInfo(request.url, page, found) };
  }

  @Get(':deviceId')
  @AllowDevice()
  @RequireScope('devices.read')
  @ApiOperation({ summary: 'Read a device' })
  @ApiResponse({ status: 200, type: DeviceAnswer })
  @ApiResponse({ status: 404, description: 'The device is not registered' })
  async read(
    @Param('applicationId') applicationId: string,
    @Param('deviceId') deviceId: string,
    @ByDevice() caller: CallingDevice | undefined,
  ): Promise<DeviceAnswer> {
    checkOwn(caller, deviceId);
    return toDeviceAnswer(await this.devices.readDevice(applicationId, deviceId));
  }

  @Put(':deviceId')
  @AllowDevice()
  @RequireScope('devices.write')
  @ApiOperation({
    summary: 'Change a device',
    description:
      'Omitted fields keep their values. Null clears `language`, `timeZone`, `appVersion` and `attributes` (extensions).',
  })
  @ApiResponse({ status: 200, type: DeviceAnswer })
  @ApiResponse({ status: 404, description: 'The device is not registered' })
  async update(
    @Param('applicationId') applicationId: string,
    @Param('deviceId') deviceId: string,
    @Body(new BodyPipe(UpdateDeviceDto)) body: UpdateDeviceDto,
    @ByDevice() caller: CallingDevice | undefined,
  ): Promise<DeviceAnswer> {
    checkOwn(caller, deviceId, body.userId === undefined ? undefined : readUserId(body.userId));
    return toDeviceAnswer(await this.devices.updateDevice(applicationId, deviceId, body));
  }

  @Delete(':deviceId')
  @HttpCode(204)
  @AllowDevice()
  @RequireScope('devices.write')
  @ApiOperation({ summary: 'Remove a device and its subscriptions' })
  @ApiResponse({ status: 204, description: 'Removed' })
  @ApiResponse({ status: 404, description: 'The device is not registered' })
  remove(
    @Param('applicationId') applicationId: string,
    @Param('deviceId') deviceId: string,
    @ByDevice() caller: CallingDevice | undefined,
  ): Promise<void> {
    checkOwn(caller, deviceId);
    return this.devices.removeDevice(applicationId, deviceId);
  }
}
