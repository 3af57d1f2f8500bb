import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { ArrayMaxSize, ArrayNotEmpty, IsArray, IsOptional, IsString, Length } from 'class-validator';
import { AnyObject, NestedList } from '../common/fields.js';
import { WarningAnswer } from '../messages/request/warning.answers.js';
import { VariantDto } from './campaign.dto.js';

const MAX_VARIANTS = 10;
/** Devices or users of a test: each gets every variant. */
const MAX_TESTED = 20;
const CONTENT = { type: 'object' as const, additionalProperties: true, example: { message: { alert: 'Hello' } } };

export class RenderDto {
  @AnyObject('it is required and must be an object, the body of a message')
  @ApiProperty({ ...CONTENT, description: 'The body of a message, without `target`' })
  content!: Record<string, unknown>;

  /** By language tag: the fields that differ from the content, as in a campaign. */
  @IsOptional()
  @AnyObject('it must be an object with the fields that differ, by language')
  languages?: Record<string, Record<string, unknown>>;

  /** The variants, as in a campaign. */
  @IsOptional()
  @NestedList(() => VariantDto, 'it must be a list of variants')
  @ArrayNotEmpty({ message: 'it must have at least one variant' })
  @ArrayMaxSize(MAX_VARIANTS, { message: `it must have at most ${MAX_VARIANTS} variants` })
  split?: VariantDto[];

  /** A device: only its platform and language are rendered, with its values for the placeholders. */
  @IsOptional()
  @IsString({ message: 'it must be a string' })
  deviceId?: string;
}

export class RenderingAnswer {
  @ApiProperty({ type: String, nullable: true })
  variant!: string | null;
  @ApiProperty({ type: String, nullable: true, description: 'Null: devices of all other languages' })
  language!: string | null;
  @ApiProperty({ example: 'A' })
  platform!: string;
  @ApiProperty({ example: 'apns' })
  provider!: string;
  @ApiProperty({ type: 'integer', description: 'Of the largest body' })
  bytes!: number;
  @ApiProperty({ type: 'integer' })
  limit!: number;
  @ApiProperty()
  alert!: string;
  @ApiPropertyOptional({ description: 'The title of the platform’s settings' })
  title?: string;
  @ApiPropertyOptional()
  url?: string;
  @ApiProperty({
    type: [String],
    description: 'The requests to the provider, as JSON or (WNS) XML, with `…` in place of the token',
  })
  bodies!: string[];
  @ApiProperty({
    type: [String],
    description: 'Placeholders without a value and without a default: with a device, it would not get the message',
  })
  missing!: string[];
}

export class RenderAnswer {
  @ApiProperty({ type: [RenderingAnswer] })
  renderings!: RenderingAnswer[];
}

const ids = (property: PropertyDecorator): PropertyDecorator => {
  const rules = [
    property,
    IsOptional(),
    IsArray({ message: 'it must be a list of strings' }),
    ArrayNotEmpty({ message: 'it must have at least one entry' }),
    ArrayMaxSize(MAX_TESTED, { message: `it must have at most ${MAX_TESTED} entries` }),
    Length(1, 255, { each: true, message: 'each must be a string of 1 to 255 characters' }),
  ];
  return (target, name) => rules.forEach((rule) => rule(target, name));
};

export class TestCampaignDto {
  @ids(
    ApiPropertyOptional({
      type: [String],
      maxItems: MAX_TESTED,
      description: 'Either this or `userIds`',
      example: ['anna-phone'],
    }),
  )
  deviceIds?: string[];

  @ids(ApiPropertyOptional({ type: [String], maxItems: MAX_TESTED }))
  userIds?: string[];

  /** One variant; default: each device gets all. */
  @IsOptional()
  @IsString({ message: 'it must be a string' })
  variant?: string;

  /** One language of the campaign for all devices; default: the language of each device. */
  @IsOptional()
  @IsString({ message: 'it must be a string' })
  language?: string;
}

class TestMessageAnswer {
  @ApiProperty()
  messageId!: string;
  @ApiProperty({ type: String, nullable: true })
  variant!: string | null;
  @ApiProperty({ type: String, nullable: true })
  language!: string | null;
  @ApiProperty({ type: 'integer', description: 'Number of devices' })
  audience!: number;
}

export class TestAnswer {
  @ApiProperty({ type: [TestMessageAnswer] })
  messages!: TestMessageAnswer[];
  @ApiPropertyOptional({ type: [String] })
  warnings?: string[];
  @ApiPropertyOptional({ type: [WarningAnswer] })
  warningDetails?: WarningAnswer[];
}
