import { Alert, Group, Paper, SimpleGrid, Stack, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useParams, useSearch } from '@tanstack/react-router';
import { ZONE, durationText, numberText, shortTimeText } from '../../parts/format';
import { Page } from '../../parts/page';
import { scheduleWords } from '../../parts/schedule-words';
import { Loading, WithData } from '../../parts/states';
import { texts } from '../../texts/texts';
import { reasonText } from './because';
import { CampaignActions } from './campaign-actions';
import { CampaignState } from './campaign-state';
import { FiringList } from './firing-list';
import { campaignQuery, previewQuery } from './read-campaigns';
import type { Campaign as CampaignData } from './read-campaigns';
import { Run } from './run';
import { Runs } from './runs';

/** One campaign: its state, its next firings, its last runs; the chosen run stands in the address. */
export function Campaign() {
  const { app, campaign: id } = useParams({ from: '/shell/apps/$app/campaigns/$campaign' });
  const { run } = useSearch({ from: '/shell/apps/$app/campaigns/$campaign' });
  const campaign = useQuery(campaignQuery(app, id));
  if (!campaign.data)
    return (
      <Page title={texts.campaigns.one}>
        <WithData query={campaign}>{() => null}</WithData>
      </Page>
    );
  return (
    <Page
      title={campaign.data.name}
      lead={
        <Group gap="xs">
          <CampaignState state={campaign.data.state} />
          <span>{scheduleWords(campaign.data.schedule)}</span>
        </Group>
      }
      actions={<CampaignActions app={app} campaign={campaign.data} />}
    >
      <WithData query={campaign}>
        {(data) => (
          <Stack>
            {data.stateReason !== undefined && (
              <Alert color="orange" title={texts.campaigns.pausedBecause}>
                {reasonText(data.stateReasonCode, data.stateReason)}
              </Alert>
            )}
            {data.state === 'awaitingApproval' && (
              <Alert color="yellow" title={texts.editor.awaits}>
                {texts.editor.awaitsLead}
              </Alert>
            )}
            <SimpleGrid cols={{ base: 1, md: 2 }}>
              <Firings app={app} campaign={data} />
              <Facts campaign={data} />
            </SimpleGrid>
            <Runs app={app} id={id} chosen={run} />
            {run !== undefined && <Run app={app} id={id} runId={run} />}
          </Stack>
        )}
      </WithData>
    </Page>
  );
}

function Firings({ app, campaign }: { app: string; campaign: CampaignData }) {
  const preview = useQuery(previewQuery(app, campaign.campaignId, campaign.lastUpdatedTime));
  return (
    <Paper withBorder p="md" component="section" aria-labelledby="firings">
      <Title order={2} size="h4" id="firings" mb="xs">
        {campaign.state === 'active' ? texts.campaigns.nextFirings : texts.campaigns.wouldFire}
      </Title>
      <WithData query={preview} loading={<Loading lines={3} />}>
        {(data) => <FiringList preview={data} zone={campaign.schedule.timeZone} />}
      </WithData>
    </Paper>
  );
}

function Facts({ campaign }: { campaign: CampaignData }) {
  const { content, languages = {}, split = [], policies = {}, clientId, lastUpdatedTime } = campaign;
  const { quietHours, dailyCap, ratePerSecond, spreadSeconds, overlap, catchUp } = policies;
  const rows: [string, string | undefined][] = [
    [texts.campaigns.text, content.message.alert],
    [texts.campaigns.languages, Object.keys(languages).join(', ') || undefined],
    [texts.campaigns.variants, split.map(({ name, share }) => `${name} ${share} %`).join(', ') || undefined],
    [
      texts.campaigns.quietHours,
      quietHours && `${quietHours.from}–${quietHours.to}, ${texts.campaigns.quiet[quietHours.action]}`,
    ],
    [texts.campaigns.dailyCap, dailyCap === undefined ? undefined : numberText(dailyCap)],
    [texts.campaigns.rate, ratePerSecond === undefined ? undefined : texts.campaigns.perSecond(ratePerSecond)],
    [texts.campaigns.spread, spreadSeconds === undefined ? undefined : durationText(spreadSeconds)],
    [texts.campaigns.overlap, overlap && texts.campaigns.overlaps[overlap]],
    [texts.campaigns.catchUp, catchUp && texts.campaigns.catchUps[catchUp]],
    [texts.campaigns.madeBy, clientId],
    [texts.campaigns.approvedBy, campaign.approvedBy],
    [texts.campaigns.changed(ZONE), shortTimeText(lastUpdatedTime)],
  ];
  return (
    <Paper withBorder p="md" component="section" aria-labelledby="facts">
      <Title order={2} size="h4" id="facts" mb="xs">
        {texts.campaigns.definition}
      </Title>
      <dl style={{ margin: 0, display: 'grid', gridTemplateColumns: 'max-content 1fr', gap: '4px 16px' }}>
        {rows
          .filter(([, value]) => value !== undefined)
          .map(([name, value]) => (
            <div key={name} style={{ display: 'contents' }}>
              <Text component="dt" size="sm" c="dimmed">
                {name}
              </Text>
              <Text component="dd" size="sm" m={0} style={{ overflowWrap: 'anywhere' }}>
                {value}
              </Text>
            </div>
          ))}
      </dl>
    </Paper>
  );
}
