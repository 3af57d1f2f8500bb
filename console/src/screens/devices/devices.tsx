import { Table, Text } from '@mantine/core';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useNavigate, useParams, useSearch } from '@tanstack/react-router';
import { Failure } from '../../api/failure';
import { numberText } from '../../parts/format';
import { ScreenLink } from '../../parts/link';
import { Page } from '../../parts/page';
import { OldCursor, Pages } from '../../parts/pages';
import { Empty, WithData } from '../../parts/states';
import { Ago } from '../../parts/time';
import { texts } from '../../texts/texts';
import type { DevicesAddress } from './address';
import { DeviceState, platformName } from './device-state';
import { Filters } from './filters';
import { cursorOf, devicesQuery } from './queries';
import { SandboxDevice } from './sandbox-device';

const ANONYMOUS = 'anonymous';

/** The devices of an application, found by id, user, token, attribute, platform, language and state. */
export function Devices() {
  const { app = '' } = useParams({ strict: false });
  const address: DevicesAddress = useSearch({ from: '/shell/apps/$app/devices' });
  const { after, ...filters } = address;
  const navigate = useNavigate();
  const go = (search: DevicesAddress): void => {
    void navigate({ to: '/apps/$app/devices', params: { app }, search });
  };
  const asked = useQuery({ ...devicesQuery(app, address), placeholderData: keepPreviousData });
  const isOld = after !== undefined && asked.error instanceof Failure && asked.error.message.includes('cursor');
  const first = useQuery({ ...devicesQuery(app, filters), enabled: isOld });
  const words = texts.devices;
  const isFiltered = Object.keys(filters).length > 0;
  return (
    <Page title={words.title} lead={words.lead} actions={<SandboxDevice applicationId={app} />}>
      <Filters key={JSON.stringify(filters)} address={filters} choose={go} />
      {isOld && <OldCursor />}
      <WithData query={isOld ? first : asked}>
        {({ devices, pageInfo }) =>
          devices.length === 0 && pageInfo.next === '' ? (
            <Empty title={isFiltered ? words.nothingFits : words.empty}>
              {isFiltered ? words.nothingFitsWhy : words.emptyWhy}
            </Empty>
          ) : (
            <>
              <Text size="sm" c="dimmed" role="status">
                {words.found(numberText(Number(pageInfo.totalCount)), Number(pageInfo.totalCount))}
              </Text>
              <Table.ScrollContainer minWidth={720}>
                <Table verticalSpacing="xs" aria-label={words.title}>
                  <Table.Thead>
                    <Table.Tr>
                      <Table.Th>{words.device}</Table.Th>
                      <Table.Th>{words.user}</Table.Th>
                      <Table.Th>{words.platform}</Table.Th>
                      <Table.Th>{words.language}</Table.Th>
                      <Table.Th>{words.state}</Table.Th>
                      <Table.Th>{words.lastSeen}</Table.Th>
                    </Table.Tr>
                  </Table.Thead>
                  <Table.Tbody>
                    {devices.map(({ deviceId = '', userId = ANONYMOUS, platform, language, state, lastSeenTime }) => (
                      <Table.Tr key={deviceId} style={{ overflowWrap: 'anywhere' }}>
                        <Table.Td maw={280}>
                          <ScreenLink to="/apps/$app/devices/$device" params={{ app, device: deviceId }}>
                            {deviceId}
                          </ScreenLink>
                        </Table.Td>
                        <Table.Td maw={200}>
                          {userId !== ANONYMOUS && (
                            <ScreenLink to="/apps/$app/users/$user" params={{ app, user: userId }}>
                              {userId}
                            </ScreenLink>
                          )}
                        </Table.Td>
                        <Table.Td>{platformName(platform)}</Table.Td>
                        <Table.Td>{language}</Table.Td>
                        <Table.Td>
                          <DeviceState state={state} />
                        </Table.Td>
                        <Table.Td>{lastSeenTime && <Ago time={lastSeenTime} />}</Table.Td>
                      </Table.Tr>
                    ))}
                  </Table.Tbody>
                </Table>
              </Table.ScrollContainer>
              <Pages
                after={isOld ? undefined : after}
                next={cursorOf(pageInfo.next)}
                go={(cursor) => go({ ...filters, after: cursor })}
              />
            </>
          )
        }
      </WithData>
    </Page>
  );
}
