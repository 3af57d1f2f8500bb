import { Alert } from '@mantine/core';
import { texts } from '../texts/texts';
import { ScreenLink } from './link';

interface UnreadableCampaign {
  applicationId: string;
  campaignId: string;
  name: string;
}

/** Active campaigns whose schedule the server cannot read, with a link to each. */
export function UnreadableCampaigns({ campaigns }: { campaigns: readonly UnreadableCampaign[] }) {
  if (campaigns.length === 0) return null;
  return (
    <Alert color="orange" title={texts.campaigns.unreadable}>
      {campaigns.map(({ applicationId, campaignId, name }) => (
        <div key={campaignId}>
          <ScreenLink to="/apps/$app/campaigns/$campaign" params={{ app: applicationId, campaign: campaignId }}>
            {name}
          </ScreenLink>
        </div>
      ))}
    </Alert>
  );
}
