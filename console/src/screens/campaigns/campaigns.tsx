import { Anchor, Button, Group, Table, Text } from '@mantine/core';
import { IconCalendar } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useParams, useSearch } from '@tanstack/react-router';
import { ZONE, shortTimeText } from '../../parts/format';
import { Page } from '../../parts/page';
import { isOldCursor, OldCursor } from '../../parts/pages';
import { scheduleWords } from '../../parts/schedule-words';
import { ScopedButton } from '../../parts/scoped';
import { Empty, WithData } from '../../parts/states';
import { Ago } from '../../parts/time';
import { texts } from '../../texts/texts';
import { CampaignState } from './campaign-state';
import { PAGE, campaignsQuery } from './read-campaigns';
import type { ListedCampaign } from './read-campaigns';

/** The campaigns of an application, oldest first. */
export function Campaigns() {
  const { app } = useParams({ from: '/shell/apps/$app/campaigns' });
  const { after } = useSearch({ from: '/shell/apps/$app/campaigns' });
  const asked = useQuery(campaignsQuery(app, after));
  // The cursor is the id of a campaign, which was deleted meanwhile.
  const isOld = isOldCursor(asked.error, after);
  const first = useQuery({ ...campaignsQuery(app, undefined), enabled: isOld });
  const navigate = useNavigate();
  return (
    <Page
      title={texts.campaigns.title}
      lead={texts.campaigns.lead}
      actions={
        <>
          <Button
            component={Link}
            to={`/apps/${encodeURIComponent(app)}/campaigns/calendar`}
            variant="default"
            leftSection={<IconCalendar size={16} aria-hidden />}
          >
            {texts.campaigns.calendar}
          </Button>
          <ScopedButton
            needs="campaigns.write"
            applicationId={app}
            onClick={() => void navigate({ to: '/apps/$app/campaigns/new', params: { app } })}
          >
            {texts.campaigns.create}
          </ScopedButton>
        </>
      }
    >
      {isOld && <OldCursor />}
      <WithData query={isOld ? first : asked}>
        {(list) =>
          list.length === 0 ? (
            <Empty title={after === undefined || isOld ? texts.campaigns.none : texts.campaigns.noMore}>
              {texts.campaigns.noneYet}
            </Empty>
          ) : (
            <List app={app} campaigns={list} />
          )
        }
      </WithData>
    </Page>
  );
}

function List({ app, campaigns }: { app: string; campaigns: ListedCampaign[] }) {
  const last = campaigns.at(-1);
  return (
    <>
      <Table.ScrollContainer minWidth={640} type="native">
        <Table>
          <Table.Thead>
            <Table.Tr>
              <Table.Th scope="col">{texts.campaigns.name}</Table.Th>
              <Table.Th scope="col">{texts.campaigns.state}</Table.Th>
              <Table.Th scope="col">{texts.campaigns.schedule}</Table.Th>
              <Table.Th scope="col">{texts.campaigns.next(ZONE)}</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {campaigns.map(({ campaignId, name, state, schedule, nextTime }) => (
              <Table.Tr key={campaignId}>
                <Table.Th scope="row" fw={500} style={{ overflowWrap: 'anywhere' }}>
                  <Anchor component={Link} to={`/apps/${encodeURIComponent(app)}/campaigns/${campaignId}`}>
                    {name}
                  </Anchor>
                </Table.Th>
                <Table.Td>
                  <CampaignState state={state} />
                </Table.Td>
                <Table.Td>{scheduleWords(schedule)}</Table.Td>
                <Table.Td>
                  {nextTime === undefined ? (
                    <Text c="dimmed" size="sm">
                      –
                    </Text>
                  ) : (
                    <>
                      {shortTimeText(nextTime)} · <Ago time={nextTime} />
                    </>
                  )}
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
      {campaigns.length === PAGE && last && (
        <Group justify="flex-end">
          <Button
            variant="default"
            renderRoot={(props) => (
              <Link {...props} to="/apps/$app/campaigns" params={{ app }} search={{ after: last.campaignId }} />
            )}
          >
            {texts.campaigns.more}
          </Button>
        </Group>
      )}
    </>
  );
}
