import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsBoolean, IsOptional, IsString, MaxLength } from 'class-validator';
import { AnyObject } from '../../common/fields.js';
import { TargetDto } from '../request/message.dto.js';
import { ExclusionAnswer } from './exclusion.answers.js';
import type { SavedAudience } from './saved-audience.repository.js';

const MAX_DESCRIPTION = 500;
const TARGET = { type: () => TargetDto, example: { attributes: { tier: 'gold' }, languages: ['de'] } };

export class CountAudienceDto {
  @IsOptional()
  @AnyObject('it must be an object; omit it to count all devices')
  @ApiPropertyOptional({ ...TARGET, description: 'The target of a message; omitted: all devices' })
  target?: Record<string, unknown>;

  @IsOptional()
  @IsBoolean({ message: 'it must be true or false' })
  @ApiPropertyOptional({
    description: 'True: count every device, also of an application with more than a million. Default: false',
  })
  exact?: boolean;
}

export class AudienceCountAnswer {
  @ApiProperty({ type: 'integer', description: 'Devices that a message would go to' })
  devices!: number;
  @ApiProperty({ type: 'object', additionalProperties: { type: 'integer' }, example: { A: 2, G: 1 } })
  byPlatform!: Record<string, number>;
  @ApiProperty({ type: 'object', additionalProperties: { type: 'integer' }, example: { apns: 2, fcm: 1 } })
  byProvider!: Record<string, number>;
  @ApiProperty({
    type: 'object',
    additionalProperties: { type: 'integer' },
    description: 'Devices of the target that a message would not go to, by reason',
    example: { Unregistered: 1 },
  })
  excluded!: Record<string, number>;
  @ApiProperty({ type: [ExclusionAnswer], description: 'The same numbers with codes' })
  exclusions!: ExclusionAnswer[];
  @ApiProperty({ type: 'integer', description: 'The part of `excluded` that is retired' })
  retired!: number;
  @ApiPropertyOptional({
    type: 'object',
    required: ['count', 'first'],
    properties: { count: { type: 'integer' }, first: { type: 'array', items: { type: 'string' } } },
    description: 'Of a target with device or user ids: ids without a registration, and the first ten of them',
  })
  unknown?: { count: number; first: string[] };
  @ApiProperty({ description: 'False: estimated from a sample' })
  exact!: boolean;
}

export class ReplaceAudienceDto {
  @IsOptional()
  @IsString({ message: 'it must be a string' })
  @MaxLength(MAX_DESCRIPTION, { message: `it must be at most ${MAX_DESCRIPTION} characters` })
  @ApiPropertyOptional({ maxLength: MAX_DESCRIPTION })
  description?: string;

  @AnyObject('it is required and must be an object')
  @ApiProperty({ ...TARGET, description: 'The target of a message, without `audience`' })
  target!: Record<string, unknown>;
}

export class CreateAudienceDto extends ReplaceAudienceDto {
  @IsString({ message: 'it is required and must be a string' })
  @ApiProperty({ minLength: 1, maxLength: 64, example: 'crm' })
  name!: string;
}

export class AudienceAnswer {
  @ApiProperty({ example: 'crm' })
  name!: string;
  @ApiProperty()
  description!: string;
  @ApiProperty(TARGET)
  target!: Record<string, unknown>;
  @ApiProperty({ format: 'date-time' })
  createdTime!: string;
  @ApiProperty({ format: 'date-time' })
  lastUpdatedTime!: string;
}

export class AudienceListAnswer {
  @ApiProperty({ type: [AudienceAnswer] })
  audiences!: AudienceAnswer[];
}

export function toAudienceAnswer({ name, description, target, createdAt, updatedAt }: SavedAudience): AudienceAnswer {
  return {
    name,
    description,
    target,
    createdTime: createdAt.toISOString(),
    lastUpdatedTime: updatedAt.toISOString(),
  };
}
