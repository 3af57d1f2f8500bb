import { OmitType, PartialType } from '@nestjs/swagger';
import { SendMessageDto } from '../messages/request/message.dto.js';

/**
 * The parts of a campaign that are kept as received. These classes describe them in the API document;
 * campaign-content.ts reads them.
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
