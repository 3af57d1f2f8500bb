import { Card, Code, Table, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { numberText } from '../../parts/format';
import { meaningOf } from '../../parts/reasons';
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
