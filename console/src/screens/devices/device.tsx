import { Alert, Badge, Card, Code, Grid, Group, Stack, Table, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useNavigate, useParams, useSearch } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { ScreenLink } from '../../parts/link';
import { Page } from '../../parts/page';
import { isOldCursor, OldCursor, Pages } from '../../parts/pages';
import { retirementText } from '../../parts/reasons';
import { Empty, WithData } from '../../parts/states';
import { Ago, Time } from '../../parts/time';
import { texts } from '../../texts/texts';
import type { DeviceAddress } from './address';
import { DeviceMessages } from './device-messages';
import { DeviceState, platformName } from './device-state';
import { deviceMessagesQuery, deviceQuery, deviceTagsQuery } from './queries';
import type { Device as DeviceAnswer, DevicePath } from './queries';
import { SendTest } from './send-test';
import { Why } from './why';

/** One device: its state and why, its last sign of life, its tags, its messages, and why it got one or not. */
export function Device() {
  const { app = '', device = '' } = useParams({ strict: false });
  const path: DevicePath = { applicationId: app, deviceId: device };
  const { message, after }: DeviceAddress = useSearch({ from: '/shell/apps/$app/devices/$device' });
  const navigate = useNavigate();
  const go = (search: DeviceAddress): void => {
    void navigate({ to: '/apps/$app/devices/$device', params: { app, device }, search, resetScroll: false });
  };
  const query = useQuery(deviceQuery(path));
  return (
    <Page title={device} lead={texts.devices.deviceOf(app)} actions={<SendTest path={path} />}>
      <WithData query={query}>
        {(found) => (
          <Stack>
            {found.state === 'retired' && (
              <Alert color="orange" title={texts.devices.retired}>
                {texts.devices.retiredWhy(retirementText(found.reason ?? ''))}{' '}
                {found.retiredTime && <Time time={found.retiredTime} />}
              </Alert>
            )}
            <Grid>
              <Grid.Col span={{ base: 12, md: 7 }}>
                <Facts app={app} device={found} />
              </Grid.Col>
              <Grid.Col span={{ base: 12, md: 5 }}>
                <Stack>
                  <Why
                    key={`${device} ${message}`}
                    path={path}
                    messageId={message}
                    ask={(messageId) => go({ message: messageId })}
                  />
                  <Tags path={path} />
                </Stack>
              </Grid.Col>
            </Grid>
            <History path={path} after={after} go={(next) => go({ ...(message && { message }), after: next })} />
          </Stack>
        )}
      </WithData>
    </Page>
  );
}

function Facts({ app, device }: { app: string; device: DeviceAnswer }) {
  const words = texts.devices;
  const { attributes = {}, userId } = device;
  const rows: [string, ReactNode][] = [
    [words.state, <DeviceState key="state" state={device.state} />],
    [words.lastSeen, <Ago key="seen" time={device.lastSeenTime} />],
    [words.platform, platformName(device.platform)],
    [
      words.user,
      userId !== 'anonymous' && (
        <ScreenLink key="user" to="/apps/$app/users/$user" params={{ app, user: userId }}>
          {userId}
        </ScreenLink>
      ),
    ],
    [words.language, device.language],
    [words.timeZone, device.timeZone],
    [words.appVersion, device.appVersion],
    [words.userAgent, device.userAgent],
    [words.phoneNumber, device.phoneNumber],
    [words.tokenEnd, <Code key="token">…{device.token.slice(-8)}</Code>],
    [words.created, <Time key="created" time={device.createdTime} />],
    [words.updated, <Time key="updated" time={device.lastUpdatedTime} />],
    ...Object.entries(attributes).map(([name, value]): [string, ReactNode] => [words.attribute(name), String(value)]),
  ];
  return (
    <Card withBorder h="100%">
      <Title order={2} size="h4" mb="xs">
        {words.facts}
      </Title>
      <Table variant="vertical" withRowBorders={false} layout="fixed">
        <Table.Tbody>
          {rows
            .filter(([, value]) => Boolean(value))
            .map(([name, value]) => (
              <Table.Tr key={name} style={{ overflowWrap: 'anywhere' }}>
                <Table.Th w={170} bg="transparent" fw={400} scope="row">
                  {name}
                </Table.Th>
                <Table.Td>{value}</Table.Td>
              </Table.Tr>
            ))}
        </Table.Tbody>
      </Table>
    </Card>
  );
}

function Tags({ path }: { path: DevicePath }) {
  const tags = useQuery(deviceTagsQuery(path));
  return (
    <Card withBorder>
      <Title order={2} size="h4" mb="xs">
        {texts.devices.tags}
      </Title>
      <WithData query={tags}>
        {(names) => (
          <Group gap={6}>
            {names.length === 0 && texts.devices.noTags}
            {names.map((name) => (
              <Badge key={name} variant="default" tt="none">
                {name}
              </Badge>
            ))}
          </Group>
        )}
      </WithData>
    </Card>
  );
}

interface HistoryProps {
  path: DevicePath;
  after: string | undefined;
  go: (after: string | undefined) => void;
}

function History({ path, after, go }: HistoryProps) {
  const asked = useQuery(deviceMessagesQuery(path, after));
  const isOld = isOldCursor(asked.error, after);
  const first = useQuery({ ...deviceMessagesQuery(path, undefined), enabled: isOld });
  return (
    <Card withBorder>
      <Title order={2} size="h4" mb="xs">
        {texts.devices.messages}
      </Title>
      {isOld && <OldCursor />}
      <WithData query={isOld ? first : asked}>
        {({ messages, next }) => (
          <>
            {messages.length === 0 ? (
              <Empty title={texts.devices.noMessages} />
            ) : (
              <DeviceMessages app={path.applicationId} messages={messages} />
            )}
            <Pages after={isOld ? undefined : after} next={next} go={go} />
          </>
        )}
      </WithData>
    </Card>
  );
}
