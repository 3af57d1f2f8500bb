import { Table, Text } from '@mantine/core';
import { ScreenLink } from '../../parts/link';
import type { Outcome } from '../../parts/outcomes';
import { Ago } from '../../parts/time';
import { texts } from '../../texts/texts';

interface DeviceMessage {
  messageId: string;
  deviceId?: string;
  alert: string;
  acceptedTime: string;
  outcome: string;
  reason?: string;
  attempts: number;
}

/** Messages of a device or of a user, each with its outcome and the provider's reason. */
export function DeviceMessages({ app, messages }: { app: string; messages: readonly DeviceMessage[] }) {
  const words = texts.devices;
  const isOfUser = messages.some(({ deviceId }) => deviceId !== undefined);
  return (
    <Table.ScrollContainer minWidth={640}>
      <Table aria-label={words.messages}>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>{words.message}</Table.Th>
            {isOfUser && <Table.Th>{words.device}</Table.Th>}
            <Table.Th>{words.outcome}</Table.Th>
            <Table.Th>{words.reason}</Table.Th>
            <Table.Th ta="right">{words.attempts}</Table.Th>
            <Table.Th>{words.accepted}</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {messages.map(({ messageId, deviceId, alert, outcome, reason, attempts, acceptedTime }) => (
            <Table.Tr key={`${messageId} ${deviceId}`} style={{ overflowWrap: 'anywhere' }}>
              <Table.Td maw={320}>
                <ScreenLink to="/apps/$app/messages/$message" params={{ app, message: messageId }} lineClamp={1}>
                  {alert || messageId}
                </ScreenLink>
                <Text size="xs" c="dimmed">
                  {messageId}
                </Text>
              </Table.Td>
              {isOfUser && <Table.Td>{deviceId}</Table.Td>}
              <Table.Td>{texts.outcomes[outcome as Outcome] ?? outcome}</Table.Td>
              <Table.Td>{reason}</Table.Td>
              <Table.Td ta="right">{attempts}</Table.Td>
              <Table.Td>
                <Ago time={acceptedTime} />
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}
