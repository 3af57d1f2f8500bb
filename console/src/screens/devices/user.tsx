import { Alert, Card, Stack, Table, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useNavigate, useParams, useSearch } from '@tanstack/react-router';
import { Failure } from '../../api/failure';
import { ScreenLink } from '../../parts/link';
import { Page } from '../../parts/page';
import { isOldCursor, OldCursor, Pages } from '../../parts/pages';
import { Empty, WithData } from '../../parts/states';
import { Ago } from '../../parts/time';
import { texts } from '../../texts/texts';
import { DeviceMessages } from './device-messages';
import { DeviceState, platformName } from './device-state';
import { EraseUser } from './erase-user';
import { ExportUser } from './export-user';
import { userQuery } from './user-data';
import type { UserData } from './user-data';

/** Everything that is kept about one user: devices with their tags, values in messages, and messages. */
export function User() {
  const { app = '', user = '' } = useParams({ strict: false });
  const path = { applicationId: app, userId: user };
  const { after } = useSearch({ from: '/shell/apps/$app/users/$user' });
  const navigate = useNavigate();
  const asked = useQuery(userQuery(path, after));
  const isOld = isOldCursor(asked.error, after);
  const first = useQuery({ ...userQuery(path, undefined), enabled: isOld });
  const query = isOld ? first : asked;
  const words = texts.devices.ofUser;
  const isNobody = query.data === undefined && query.error instanceof Failure && query.error.isMissing;
  return (
    <Page
      title={user}
      lead={words.lead(app)}
      actions={
        <>
          <ExportUser path={path} />
          <EraseUser path={path} />
        </>
      }
    >
      {isOld && <OldCursor />}
      {isNobody ? (
        <Empty title={words.nothing}>{words.nothingWhy}</Empty>
      ) : (
        <WithData query={query}>
          {(data) => (
            <Stack>
              {data.devices.length > 0 && <UserDevices app={app} devices={data.devices} />}
              {data.values.length > 0 && (
                <Alert color="gray" title={words.values(data.values.length)}>
                  {words.valuesWhy}
                </Alert>
              )}
              {data.reachedTimes !== undefined && <Text size="sm">{words.reached(data.reachedTimes.length)}</Text>}
              {data.messages.length > 0 && (
                <Card withBorder>
                  <Title order={2} size="h4" mb="xs">
                    {texts.devices.messages}
                  </Title>
                  <DeviceMessages app={app} messages={data.messages} />
                </Card>
              )}
              <Pages
                after={isOld ? undefined : after}
                next={data.next}
                go={(next) =>
                  void navigate({ to: '/apps/$app/users/$user', params: { app, user }, search: { after: next } })
                }
              />
            </Stack>
          )}
        </WithData>
      )}
    </Page>
  );
}

function UserDevices({ app, devices }: { app: string; devices: UserData['devices'] }) {
  const words = texts.devices;
  return (
    <Card withBorder>
      <Title order={2} size="h4" mb="xs">
        {words.title}
      </Title>
      <Table.ScrollContainer minWidth={560}>
        <Table aria-label={words.title}>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>{words.device}</Table.Th>
              <Table.Th>{words.platform}</Table.Th>
              <Table.Th>{words.state}</Table.Th>
              <Table.Th>{words.tags}</Table.Th>
              <Table.Th>{words.lastSeen}</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {devices.map(({ deviceId, platform, state, tagNames, lastSeenTime }) => (
              <Table.Tr key={deviceId} style={{ overflowWrap: 'anywhere' }}>
                <Table.Td>
                  <ScreenLink to="/apps/$app/devices/$device" params={{ app, device: deviceId }}>
                    {deviceId}
                  </ScreenLink>
                </Table.Td>
                <Table.Td>{platformName(platform)}</Table.Td>
                <Table.Td>
                  <DeviceState state={state} />
                </Table.Td>
                <Table.Td>{tagNames.join(', ')}</Table.Td>
                <Table.Td>
                  <Ago time={lastSeenTime} />
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
    </Card>
  );
}
