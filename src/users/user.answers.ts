import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import type { DeviceAttributes } from '../database/tables.js';
import { DeviceAnswer, toDeviceAnswer } from '../devices/device.dto.js';
import { DeviceMessageAnswer } from '../messages/report/message.answers.js';
import { toDeviceMessageAnswer } from '../messages/report/report.answers.js';
import type { UserData } from './users.service.js';

class UserDeviceAnswer extends DeviceAnswer {
  @ApiProperty({ type: [String], description: 'Subscriptions, `Push.ALL` among them' })
  tagNames!: string[];
}

class UserValuesAnswer {
  @ApiProperty()
  messageId!: string;
  @ApiProperty({ type: 'object', additionalProperties: true, description: '`data` of the message for this user' })
  data!: DeviceAttributes;
}

class UserMessageAnswer extends DeviceMessageAnswer {
  deviceId!: string;
}

export class UserAnswer {
  @ApiProperty()
  userId!: string;
  @ApiPropertyOptional({
    type: [String],
    description: 'Times of recent campaign deliveries to the user; in the first page only',
  })
  reachedTimes?: string[];
  @ApiProperty({ type: [UserDeviceAnswer] })
  devices!: UserDeviceAnswer[];
  @ApiProperty({ type: [UserValuesAnswer] })
  values!: UserValuesAnswer[];
  @ApiProperty({
    type: [UserMessageAnswer],
    description: 'As `GET devices/{deviceId}/messages`, with the `deviceId`; a message to two devices is listed twice',
  })
  messages!: UserMessageAnswer[];
  @ApiPropertyOptional({ description: '`after` of the next page; absent on the last page' })
  next?: string;
}

export function toUserAnswer(userId: string, data: UserData, next: string | null): UserAnswer {
  return {
    userId,
    ...(data.reached.length > 0 && { reachedTimes: data.reached.map((time) => time.toISOString()) }),
    devices: data.devices.map(({ device, tagNames }) => Object.assign(toDeviceAnswer(device), { tagNames })),
    values: data.values.map(({ messageId, fields }) => ({ messageId, data: fields })),
    messages: data.messages.map((message) =>
      Object.assign(toDeviceMessageAnswer(message), { deviceId: message.deviceId }),
    ),
    ...(next !== null && { next }),
  };
}
