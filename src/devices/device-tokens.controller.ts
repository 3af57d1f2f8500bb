import { Body, Controller, HttpCode, Param, Post, UseGuards } from '@nestjs/common';
import { ApiBody, ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import { ApplicationsService } from '../applications/applications.service.js';
import { CallingDevices } from '../auth/calling-devices.js';
import { RequireScope, ScopeGuard } from '../auth/scope.guard.js';
import { StrictBodyPipe } from '../common/body.js';
import { Clock } from '../common/clock.js';
import { ApiError, invalidValue } from '../common/errors.js';
import { isGiven } from '../common/lenient.js';
import { wrongPathName } from '../common/path-name.js';
import { MAX_ID, readUserId } from './device.dto.js';
import { DeviceRepository } from './device.repository.js';
import { DeviceTokenAnswer, IssueDeviceTokenDto, LONGEST_S } from './device-token.dto.js';

/** Extension: tokens with which a device calls about itself. */
@ApiTags('Devices')
@Controller('imfpush/v1/apps/:applicationId/devices/:deviceId/token')
@UseGuards(ScopeGuard)
export class DeviceTokensController {
  constructor(
    private readonly applications: ApplicationsService,
    private readonly devices: DeviceRepository,
    private readonly callers: CallingDevices,
    private readonly clock: Clock,
  ) {}

  @Post()
  @HttpCode(200)
  @RequireScope('devices.write')
  @ApiOperation({
    summary: 'Issue a token with which one device calls about itself (extension)',
    description:
      'With this token as Bearer the device registers, reads, changes and removes itself, manages its subscriptions and sends receipts; every other call is refused. The token ends with its time, when the device is removed, and when the device gets another user. For a device that is not registered yet, the token is for its first registration, whose answer has the token for all further calls.',
  })
  @ApiBody({ type: IssueDeviceTokenDto, required: false })
  @ApiResponse({ status: 200, type: DeviceTokenAnswer })
  @ApiResponse({ status: 400, description: 'FPWSE0005E: `message` names the field and the reason' })
  @ApiResponse({ status: 404, description: 'Unknown application' })
  @ApiResponse({ status: 409, description: 'CARIL0409E: the device is registered for another user' })
  async issue(
    @Param('applicationId') applicationId: string,
    @Param('deviceId') deviceId: string,
    @Body(new StrictBodyPipe(IssueDeviceTokenDto, { optional: true })) body: IssueDeviceTokenDto,
  ): Promise<DeviceTokenAnswer> {
    await this.applications.getApplication(applicationId);
    const wrong = deviceId.length > MAX_ID ? `it must be 1 to ${MAX_ID} characters` : wrongPathName(deviceId);
    if (wrong !== null) throw invalidValue('deviceId', wrong);
    const registered = await this.devices.findOwner(applicationId, deviceId);
    const userId = isGiven(body.userId) ? readUserId(body.userId) : (registered?.userId ?? null);
    if (registered && registered.userId !== userId)
      throw new ApiError('CARIL0409E', 'The device is registered for another user. Register it for this user first.');
    const expiresAt = this.clock.now() + (body.expiresIn ?? LONGEST_S) * 1_000;
    const device = { applicationId, deviceId, seq: registered?.seq ?? null, userId };
    return {
      deviceToken: this.callers.issue(device, expiresAt),
      expiresTime: new Date(expiresAt).toISOString(),
    };
  }
}
