import { Body, Controller, Delete, Get, HttpCode, Param, Post, Put, UseGuards } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { RequireScope, ScopeGuard } from '../auth/scope.guard.js';
import { BodyPipe } from '../common/body.js';
import { DeviceAnswer, RegisterDeviceDto, UpdateDeviceDto, toDeviceAnswer } from './device.dto.js';
import { DevicesService } from './devices.service.js';

@ApiTags('Devices')
@Controller('imfpush/v1/apps/:applicationId/devices')
@UseGuards(ScopeGuard)
export class DevicesController {
  constructor(private readonly devices: DevicesService) {}

  @Post()
  @RequireScope('devices.write')
  @ApiOperation({ summary: 'Register a device, or register it anew' })
  async register(
    @Param('applicationId') applicationId: string,
    @Body(new BodyPipe(RegisterDeviceDto)) body: RegisterDeviceDto,
  ): Promise<DeviceAnswer> {
    return toDeviceAnswer(await this.devices.registerDevice(applicationId, body));
  }

  @Get(':deviceId')
  @RequireScope('devices.read')
  @ApiOperation({ summary: 'Read a device' })
  async read(
    @Param('applicationId') applicationId: string,
    @Param('deviceId') deviceId: string,
  ): Promise<DeviceAnswer> {
    return toDeviceAnswer(await this.devices.readDevice(applicationId, deviceId));
  }

  @Put(':deviceId')
  @RequireScope('devices.write')
  @ApiOperation({ summary: 'Change a device' })
  async update(
    @Param('applicationId') applicationId: string,
    @Param('deviceId') deviceId: string,
    @Body(new BodyPipe(UpdateDeviceDto)) body: UpdateDeviceDto,
  ): Promise<DeviceAnswer> {
    return toDeviceAnswer(await this.devices.updateDevice(applicationId, deviceId, body));
  }

  @Delete(':deviceId')
  @HttpCode(204)
  @RequireScope('devices.write')
  @ApiOperation({ summary: 'Remove a device and its subscriptions' })
  remove(@Param('applicationId') applicationId: string, @Param('deviceId') deviceId: string): Promise<void> {
    return this.devices.removeDevice(applicationId, deviceId);
  }
}
