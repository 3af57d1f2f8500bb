import { Body, Controller, HttpCode, Param, Post, UseGuards } from '@nestjs/common';
import { ApiBody, ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import { Caller } from '../auth/admin.guard.js';
import type { Actor } from '../auth/audit.repository.js';
import { RequireScope, ScopeGuard } from '../auth/scope.guard.js';
import { StrictBodyPipe } from '../common/body.js';
import { CampaignAnswer, toCampaignAnswer } from './campaign.answers.js';
import { ApproveCampaignDto } from './campaign.dto.js';
import { CampaignsService } from './campaigns.service.js';

@ApiTags('Campaigns')
@Controller('imfpush/v1/apps/:applicationId/campaigns')
@UseGuards(ScopeGuard)
export class ApprovalController {
  constructor(private readonly campaigns: CampaignsService) {}

  @Post(':campaignId/approve')
  @HttpCode(200)
  @RequireScope('campaigns.approve')
  @ApiOperation({
    summary: 'Approve a campaign that waits for approval, as another client or person than its authors (extension)',
    description:
      'The approval is of one `revision`: of the definition together with its saved audience. A change of either makes the campaign wait again, unless its audience is small enough.',
  })
  @ApiBody({ type: ApproveCampaignDto })
  @ApiResponse({ status: 200, type: CampaignAnswer })
  @ApiResponse({ status: 400, description: '`revision` is missing, or the schedule has no firing left' })
  @ApiResponse({ status: 404, description: 'Unknown application or campaign' })
  @ApiResponse({ status: 409, description: 'The campaign does not wait for approval' })
  @ApiResponse({ status: 412, description: 'CARIL0412E: the campaign or its audience was changed meanwhile' })
  async approve(
    @Param('applicationId') applicationId: string,
    @Param('campaignId') campaignId: string,
    @Caller() caller: Actor,
    @Body(new StrictBodyPipe(ApproveCampaignDto)) { revision }: ApproveCampaignDto,
  ): Promise<CampaignAnswer> {
    return toCampaignAnswer(await this.campaigns.approveCampaign(caller, applicationId, campaignId, revision));
  }
}
