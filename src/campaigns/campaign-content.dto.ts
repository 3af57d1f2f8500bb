import { ApiPropertyOptional, OmitType, PartialType } from '@nestjs/swagger';
import { WithSchema } from '../common/schema.js';
import { SendMessageDto, TargetDto } from '../messages/request/message.dto.js';

/**
 * The parts of a campaign that are kept as received. These classes describe them in the API document;
 * campaign-content.ts and campaign-target.ts read them.
 */

/** The body of a message, without the fields that the schedule replaces. */
export class CampaignContentDto extends OmitType(SendMessageDto, [
  'target',
  'sendAt',
  'expiresAt',
  'data',
  'dryRun',
] as const) {}

/** The fields that differ from the campaign's content. */
export class ContentPartDto extends PartialType(CampaignContentDto) {}

const VERSION = { type: 'string' as const, example: '2.10.1' };
const SCALARS = [{ type: 'string' as const }, { type: 'number' as const }, { type: 'boolean' as const }];

/** The target of a message, and conditions on the devices: a device must match all of them. */
@WithSchema({ additionalProperties: false, minProperties: 1 })
export class CampaignTargetDto extends TargetDto {
  /** Language tags: `de` also matches `de-AT`. */
  @ApiPropertyOptional({ type: 'array', minItems: 1, maxItems: 1_000, items: { type: 'string', maxLength: 35 } })
  languages?: string[];

  @ApiPropertyOptional({
    type: 'array',
    minItems: 1,
    maxItems: 1_000,
    items: { type: 'string' },
    description: 'IANA time zones',
  })
  timeZones?: string[];

  @ApiPropertyOptional({
    type: 'object',
    minProperties: 1,
    additionalProperties: false,
    properties: { min: VERSION, max: VERSION },
  })
  appVersion?: { min?: string; max?: string };

  @ApiPropertyOptional({
    type: 'object',
    minProperties: 1,
    maxProperties: 20,
    description: 'By name: a value, a list of alternatives, or `{min, max}` for a number',
    additionalProperties: {
      oneOf: [
        ...SCALARS,
        { type: 'array', minItems: 1, maxItems: 1_000, items: { oneOf: SCALARS } },
        {
          type: 'object',
          minProperties: 1,
          additionalProperties: false,
          properties: { min: { type: 'number' }, max: { type: 'number' } },
        },
      ],
    },
  })
  attributes?: Record<string, unknown>;
}
