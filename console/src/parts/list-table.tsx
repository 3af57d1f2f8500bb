import { Table } from '@mantine/core';
import type { ReactNode } from 'react';

/** The frame of a table that is wider than a phone: scrolled by itself, and by keyboard. */
export function ListTable({ head, width = 760, children }: { head: string[]; width?: number; children: ReactNode }) {
  return (
    <Table.ScrollContainer minWidth={width} scrollAreaProps={{ tabIndex: 0 }}>
      <Table verticalSpacing="sm">
        <Table.Thead>
          <Table.Tr>
            {head.map((text) => (
              <Table.Th key={text}>{text}</Table.Th>
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>{children}</Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}
