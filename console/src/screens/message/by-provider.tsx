import { Card, Table, Title } from '@mantine/core';
import { numberText } from '../../parts/format';
import { OutcomeBar } from '../../parts/outcome-bar';
import { texts } from '../../texts/texts';
import type { Report } from './queries';

export function ByProvider({ providers }: { providers: Report['providers'] }) {
  const rows = Object.entries(providers).map(([provider, outcomes]) => ({
    provider,
    outcomes,
    audience: Object.values(outcomes).reduce((sum, count) => sum + count, 0),
  }));
  return (
    <Card withBorder h="100%">
      <Title order={2} size="h4" mb="xs">
        {texts.message.byProvider}
      </Title>
      <Table aria-label={texts.message.byProvider}>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>{texts.message.provider}</Table.Th>
            <Table.Th ta="right">{texts.messages.audience}</Table.Th>
            <Table.Th w="50%">{texts.message.outcomes}</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {rows.map(({ provider, outcomes, audience }) => (
            <Table.Tr key={provider}>
              <Table.Td>{provider}</Table.Td>
              <Table.Td ta="right">{numberText(audience)}</Table.Td>
              <Table.Td>
                <OutcomeBar outcomes={outcomes} audience={audience} />
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Card>
  );
}
