import { ApiProperty, OmitType } from '@nestjs/swagger';
import { ArrayMaxSize, ArrayMinSize, IsArray, Length } from 'class-validator';
import { PreviewedFiringAnswer } from './campaign.answers.js';

/** Campaigns that are compared at once: 45 pairs. */
const MOST = 10;

export class SharedUsersDto {
  @IsArray({ message: 'it is required and must be a list of strings' })
  @ArrayMinSize(2, { message: 'it must have at least two entries' })
  @ArrayMaxSize(MOST, { message: `it must have at most ${MOST} entries` })
  @Length(1, 255, { each: true, message: 'each must be a string of 1 to 255 characters' })
  @ApiProperty({
    type: [String],
    example: ['01a0b7c4-5a3e-7c1d-8f00-2b6d9e4c7a12', '01a0b7c4-5a3e-7c1d-8f00-2b6d9e4c7a13'],
  })
  campaignIds!: string[];
}

class CalendarFiringAnswer extends OmitType(PreviewedFiringAnswer, ['finishTime', 'binding']) {
  campaignId!: string;
  /** Of the campaign. */
  name!: string;
  /** Of the schedule; `recipient`: each device's own. */
  timeZone!: string;
}

class NextFiringAnswer extends CalendarFiringAnswer {
  applicationId!: string;
}

class UnreadableCampaignAnswer {
  campaignId!: string;
  /** Of the campaign. */
  name!: string;
  /** The part of the schedule that cannot be read. */
  field!: string;
  reason!: string;
}

class NextUnreadableAnswer extends UnreadableCampaignAnswer {
  applicationId!: string;
}

export class NextFiringsAnswer {
  firings!: NextFiringAnswer[];
  /** Active campaigns whose schedule cannot be read; they are paused when their next firing is due. */
  unreadable!: NextUnreadableAnswer[];
}

export class CalendarAnswer {
  firings!: CalendarFiringAnswer[];
  /** Ids of campaigns that fire more often than the answer lists. */
  incomplete!: string[];
  /** Active campaigns whose schedule cannot be read; they are paused when their next firing is due. */
  unreadable!: UnreadableCampaignAnswer[];
}

class SharedPairAnswer {
  @ApiProperty({ type: [String] })
  campaignIds!: string[];
  @ApiProperty({ type: 'integer' })
  users!: number;
}

export class SharedUsersAnswer {
  @ApiProperty({ type: [SharedPairAnswer], description: 'Pairs with at least one user in common' })
  pairs!: SharedPairAnswer[];
}
