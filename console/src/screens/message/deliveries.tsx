import { Button, Card, Group, Select, Table, Text, TextInput, Title } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { keepPreviousData, useMutation, useQuery } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useState } from 'react';
import { download } from '../../api/session';
import { ScreenLink } from '../../parts/link';
import { OUTCOMES } from '../../parts/outcomes';
import { isOldCursor, OldCursor, Pages } from '../../parts/pages';
import { describeFailure, Empty, WithData } from '../../parts/states';
import { Ago } from '../../parts/time';
import { texts } from '../../texts/texts';
import { deliveriesQuery } from './queries';
import type { DeliveriesFilter, MessagePath } from './queries';

/** Each delivery with its outcome and reason: a page at a time, or all of them as a file. */
export function Deliveries({ path, isOver }: { path: MessagePath; isOver: boolean }) {
  const address: DeliveriesFilter = useSearch({ from: '/shell/apps/$app/messages/$message' });
  const { after, ...filter } = address;
  const navigate = useNavigate();
  const go = (search: DeliveriesFilter): void => {
    const params = { app: path.applicationId, message: path.messageId };
    void navigate({ to: '/apps/$app/messages/$message', params, search, resetScroll: false });
  };
  const asked = useQuery({ ...deliveriesQuery(path, address, isOver), placeholderData: keepPreviousData });
  const isOld = isOldCursor(asked.error, after);
  const first = useQuery({ ...deliveriesQuery(path, filter, isOver), enabled: isOld });
  return (
    <Card withBorder>
      <Group justify="space-between" align="flex-end" mb="xs">
        <Title order={2} size="h4">
          {texts.message.deliveries.title}
        </Title>
        <Group align="flex-end" gap="xs">
          <Select
            aria-label={texts.message.reasons.outcome}
            data={OUTCOMES.map((outcome) => ({ value: outcome, label: texts.outcomes[outcome] }))}
            value={filter.outcome ?? null}
            onChange={(outcome) => go({ ...filter, outcome: outcome ?? undefined })}
            placeholder={texts.message.deliveries.any}
            clearable
            clearButtonProps={{ 'aria-label': texts.message.deliveries.any }}
            size="xs"
            w={160}
          />
          <DeviceField
            key={filter.deviceId}
            deviceId={filter.deviceId}
            choose={(deviceId) => go({ ...filter, deviceId })}
          />
          <Export path={path} />
        </Group>
      </Group>
      {isOld && <OldCursor />}
      <WithData query={isOld ? first : asked}>
        {({ deliveries, next }) =>
          deliveries.length === 0 ? (
            <Empty title={texts.message.deliveries.empty} />
          ) : (
            <>
              <Table.ScrollContainer minWidth={640}>
                <Table aria-label={texts.message.deliveries.title}>
                  <Table.Thead>
                    <Table.Tr>
                      <Table.Th>{texts.message.deliveries.device}</Table.Th>
                      <Table.Th>{texts.message.deliveries.user}</Table.Th>
                      <Table.Th>{texts.message.provider}</Table.Th>
                      <Table.Th>{texts.message.reasons.outcome}</Table.Th>
                      <Table.Th>{texts.message.reasons.reason}</Table.Th>
                      <Table.Th ta="right">{texts.message.deliveries.attempts}</Table.Th>
                      <Table.Th>{texts.message.deliveries.retry}</Table.Th>
                    </Table.Tr>
                  </Table.Thead>
                  <Table.Tbody>
                    {deliveries.map(({ deviceId, userId, provider, outcome, reason, attempts, retryTime }, index) => (
                      <Table.Tr key={deviceId ?? `removed ${index}`} style={{ overflowWrap: 'anywhere' }}>
                        <Table.Td>
                          {deviceId === null ? (
                            <Text inherit c="dimmed">
                              {texts.message.deliveries.removed}
                            </Text>
                          ) : (
                            <ScreenLink
                              to="/apps/$app/devices/$device"
                              params={{ app: path.applicationId, device: deviceId }}
                              fz="sm"
                            >
                              {deviceId}
                            </ScreenLink>
                          )}
                        </Table.Td>
                        <Table.Td>{userId}</Table.Td>
                        <Table.Td>{provider}</Table.Td>
                        <Table.Td>{texts.outcomes[outcome]}</Table.Td>
                        <Table.Td>{reason}</Table.Td>
                        <Table.Td ta="right">{attempts}</Table.Td>
                        <Table.Td>{retryTime && <Ago time={retryTime} />}</Table.Td>
                      </Table.Tr>
                    ))}
                  </Table.Tbody>
                </Table>
              </Table.ScrollContainer>
              <Pages after={isOld ? undefined : after} next={next} go={(cursor) => go({ ...filter, after: cursor })} />
            </>
          )
        }
      </WithData>
    </Card>
  );
}

function DeviceField({ deviceId, choose }: { deviceId: string | undefined; choose: (deviceId?: string) => void }) {
  const [typed, setTyped] = useState(deviceId ?? '');
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        choose(typed === '' ? undefined : typed);
      }}
    >
      <TextInput
        aria-label={texts.message.deliveries.deviceId}
        placeholder={texts.message.deliveries.deviceId}
        value={typed}
        onChange={(event) => setTyped(event.currentTarget.value)}
        size="xs"
        w={160}
      />
    </form>
  );
}

/** A plain link by a ticket: the rows go to a file and not through the memory of the page. */
function Export({ path: { applicationId, messageId } }: { path: MessagePath }) {
  const exporting = useMutation({
    mutationFn: () =>
      download(
        `/imfpush/v1/apps/${encodeURIComponent(applicationId)}/messages/${encodeURIComponent(messageId)}/deliveries`,
        `${messageId}.ndjson`,
      ),
    onSuccess: () => notifications.show({ message: texts.message.deliveries.exported }),
    onError: (error) => notifications.show({ message: describeFailure(error), color: 'red' }),
  });
  return (
    <Button variant="default" size="xs" loading={exporting.isPending} onClick={() => exporting.mutate()}>
      {texts.message.deliveries.export}
    </Button>
  );
}
