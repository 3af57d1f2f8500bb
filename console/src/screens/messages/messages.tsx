import { Table, Text } from '@mantine/core';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useNavigate, useParams, useSearch } from '@tanstack/react-router';
import { api, bodyOf } from '../../api/client';
import { CALM_MS, LIVE_MS, reading } from '../../api/read';
import { numberText, ZONE } from '../../parts/format';
import { hasEnded, MessageState } from '../../parts/message-state';
import type { MessageStateName } from '../../parts/message-state';
import { OutcomeBar } from '../../parts/outcome-bar';
import { Page } from '../../parts/page';
import { isOldCursor, OldCursor, Pages } from '../../parts/pages';
import { Empty, WithData } from '../../parts/states';
import { Ago } from '../../parts/time';
import { ScreenLink } from '../../parts/link';
import { texts } from '../../texts/texts';
import type { MessagesAddress } from './address';
import { Filters } from './filters';

const SIZE = 25;

function messagesQuery(applicationId: string, { state, label, client, campaign, from, to, after }: MessagesAddress) {
  const query = {
    size: SIZE,
    ...(state && { state: state as MessageStateName }),
    ...(label && { label }),
    ...(client && { clientId: client }),
    ...(campaign && { campaignId: campaign }),
    ...(from && { from }),
    ...(to && { to }),
    ...(after && { after }),
  };
  return reading(
    ['messages', applicationId, query],
    (options) =>
      bodyOf(
        api.GET('/imfpush/v1/apps/{applicationId}/messages', {
          params: { path: { applicationId }, query },
          ...options,
        }),
      ),
    (page) => (page?.messages.every(hasEnded) ? CALM_MS : 2 * LIVE_MS),
  );
}

export function Messages() {
  const { app = '' } = useParams({ strict: false });
  const address: MessagesAddress = useSearch({ from: '/shell/apps/$app/messages' });
  const { after, ...filters } = address;
  const navigate = useNavigate();
  const go = (search: MessagesAddress): void => {
    void navigate({ to: '/apps/$app/messages', params: { app }, search });
  };
  const asked = useQuery({ ...messagesQuery(app, address), placeholderData: keepPreviousData });
  const isOld = isOldCursor(asked.error, after);
  const first = useQuery({ ...messagesQuery(app, filters), enabled: isOld });
  const isFiltered = Object.keys(filters).length > 0;
  return (
    <Page title={texts.messages.title} lead={texts.messages.zone(ZONE)}>
      <Filters key={JSON.stringify(filters)} address={filters} choose={go} />
      {isOld && <OldCursor />}
      <WithData query={isOld ? first : asked}>
        {({ messages, next }) =>
          messages.length === 0 ? (
            <Empty title={isFiltered ? texts.messages.nothingFits : texts.messages.empty}>
              {isFiltered ? texts.messages.nothingFitsWhy : texts.messages.emptyWhy}
            </Empty>
          ) : (
            <>
              <Table.ScrollContainer minWidth={720}>
                <Table highlightOnHover verticalSpacing="xs" aria-label={texts.messages.title}>
                  <Table.Thead>
                    <Table.Tr>
                      <Table.Th>{texts.messages.message}</Table.Th>
                      <Table.Th>{texts.messages.state}</Table.Th>
                      <Table.Th ta="right">{texts.messages.audience}</Table.Th>
                      <Table.Th w={200}>{texts.messages.outcomes}</Table.Th>
                      <Table.Th>{texts.messages.client}</Table.Th>
                      <Table.Th>{texts.messages.accepted}</Table.Th>
                    </Table.Tr>
                  </Table.Thead>
                  <Table.Tbody>
                    {messages.map(({ messageId, alert, label, state, audience, outcomes, clientId, acceptedTime }) => (
                      <Table.Tr key={messageId}>
                        <Table.Td maw={320}>
                          <ScreenLink
                            to="/apps/$app/messages/$message"
                            params={{ app, message: messageId }}
                            lineClamp={1}
                          >
                            {alert || messageId}
                          </ScreenLink>
                          <Text size="xs" c="dimmed" truncate>
                            {label === undefined ? messageId : `${messageId} · ${label}`}
                          </Text>
                        </Table.Td>
                        <Table.Td>
                          <MessageState state={state} />
                        </Table.Td>
                        <Table.Td ta="right">{numberText(audience)}</Table.Td>
                        <Table.Td>
                          <OutcomeBar outcomes={outcomes} audience={audience} />
                        </Table.Td>
                        <Table.Td maw={140}>
                          <Text size="sm" truncate>
                            {clientId}
                          </Text>
                        </Table.Td>
                        <Table.Td>
                          <Ago time={acceptedTime} />
                        </Table.Td>
                      </Table.Tr>
                    ))}
                  </Table.Tbody>
                </Table>
              </Table.ScrollContainer>
              <Pages after={isOld ? undefined : after} next={next} go={(cursor) => go({ ...filters, after: cursor })} />
            </>
          )
        }
      </WithData>
    </Page>
  );
}
