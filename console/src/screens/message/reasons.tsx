import { Card, Code, Table, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { numberText } from '../../parts/format';
import { WithData } from '../../parts/states';
import { texts } from '../../texts/texts';
import { reasonsQuery } from './queries';
import type { MessagePath } from './queries';

/** Why deliveries were not accepted, the most frequent reason first, each with its meaning and mend. */
export function Reasons({ path, isOver }: { path: MessagePath; isOver: boolean }) {
  const query = useQuery(reasonsQuery(path, isOver));
  return (
    <Card withBorder>
      <Title order={2} size="h4" mb="xs">
        {texts.message.reasons.title}
      </Title>
      <WithData query={query}>
        {({ reasons: ranked, exact }) =>
          ranked.length === 0 ? (
            <Text c="dimmed">{texts.message.reasons.empty}</Text>
          ) : (
            <>
              {!exact && (
                <Text size="sm" c="dimmed">
                  {texts.message.reasons.about}
                </Text>
              )}
              <Table.ScrollContainer minWidth={640}>
                <Table aria-label={texts.message.reasons.title}>
                  <Table.Thead>
                    <Table.Tr>
                      <Table.Th>{texts.message.reasons.reason}</Table.Th>
                      <Table.Th>{texts.message.provider}</Table.Th>
                      <Table.Th>{texts.message.reasons.outcome}</Table.Th>
                      <Table.Th ta="right">{texts.message.reasons.count}</Table.Th>
                      <Table.Th>{texts.message.reasons.meaning}</Table.Th>
                    </Table.Tr>
                  </Table.Thead>
                  <Table.Tbody>
                    {ranked.map(({ outcome, provider, reason, count }) => (
                      <Table.Tr key={`${outcome} ${provider} ${reason}`}>
                        <Table.Td style={{ overflowWrap: 'anywhere' }}>
                          <Code>{reason}</Code>
                        </Table.Td>
                        <Table.Td>{provider}</Table.Td>
                        <Table.Td>{texts.outcomes[outcome]}</Table.Td>
                        <Table.Td ta="right">{numberText(count)}</Table.Td>
                        <Table.Td>{meaningOf(reason)}</Table.Td>
                      </Table.Tr>
                    ))}
                  </Table.Tbody>
                </Table>
              </Table.ScrollContainer>
            </>
          )
        }
      </WithData>
    </Card>
  );
}

/** Carillon's own reasons (docs/troubleshooting.md) and the frequent ones of the providers. */
function meaningOf(reason: string): string {
  const { reasons } = texts.message;
  const known: [RegExp, string][] = [
    [/is not configured for this application/, reasons.notConfigured],
    [/no longer registered/, reasons.gone],
    [/^missing value/, reasons.missingValue],
    [/the provider takes|PayloadTooLarge|HTTP 413/, reasons.tooLarge],
    [
      /Unregistered|UNREGISTERED|BadDeviceToken|DeviceTokenNotForTopic|ExpiredToken|HTTP 410|HTTP 404|^gone$|^invalid$/,
      reasons.deadToken,
    ],
    [/TooManyRequests|QUOTA_EXCEEDED|HTTP 429|throttled/i, reasons.throttled],
    [/ProviderToken|SENDER_ID_MISMATCH|THIRD_PARTY_AUTH|HTTP 40[13]|token endpoint/, reasons.credentials],
    [/INTERNAL|UNAVAILABLE|HTTP 5\d\d|timeout|ECONN|left alone/i, reasons.away],
  ];
  return known.find(([pattern]) => pattern.test(reason))?.[1] ?? reasons.provider;
}
