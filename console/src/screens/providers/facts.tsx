import { Table } from '@mantine/core';
import type { ReactNode } from 'react';

/** Names with their values; null: left out. */
export function Facts({ rows }: { rows: ([string, ReactNode] | null)[] }) {
  return (
    <Table verticalSpacing={4}>
      <Table.Tbody>
        {rows
          .filter((row) => row !== null)
          .map(([name, value]) => (
            <Table.Tr key={name}>
              <Table.Th w="40%">{name}</Table.Th>
              <Table.Td style={{ overflowWrap: 'anywhere' }}>{value}</Table.Td>
            </Table.Tr>
          ))}
      </Table.Tbody>
    </Table>
  );
}
