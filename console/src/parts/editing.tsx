import { Alert, Button, Group, Table, Text } from '@mantine/core';
import { skipToken, useMutation, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import type { ReactNode } from 'react';
import { Failure } from '../api/failure';
import type { Version } from '../api/client';
import { numberText } from './format';
import { WithData } from './states';
import { texts } from '../texts/texts';

/**
 * The fields of a form whose subject another person may edit at the same moment. Only the fields that were changed here
 * are put over the newest version, and if it is newer than the one that was opened, both are shown first.
 */
export function useEditing<T extends object, Saved>({ opened, read, save, onSaved }: EditingOptions<T, Saved>) {
  const [base, setBase] = useState(opened);
  const [fields, setFields] = useState(opened.body);
  const [newer, setNewer] = useState<Version<T> | null>(null);
  const saving = useMutation({
    mutationFn: async ({ body, from }: { body: T; from: Version<T> }) => {
      try {
        return await save(body, from);
      } catch (error) {
        if (!(error instanceof Failure && error.isChanged)) throw error;
        setNewer(await read());
        return null;
      }
    },
    onSuccess: (saved) => saved !== null && onSaved(saved.value),
  });
  return {
    fields,
    /** Changes some of the fields. */
    change: (part: Partial<T>): void => setFields({ ...fields, ...part }),
    saving,
    save: (): void => saving.mutate({ body: fields, from: base }),
    conflict: newer && {
      mine: fields,
      theirs: newer.body,
      take: (): void => {
        setFields(newer.body);
        setBase(newer);
        setNewer(null);
      },
      keep: (): void => {
        const body = { ...newer.body, ...changesOf(base.body, fields) };
        setFields(body);
        setBase(newer);
        setNewer(null);
        saving.mutate({ body, from: newer });
      },
    },
  };
}

interface OpenedProps<T> {
  queryKey: readonly unknown[];
  /** Null: the subject is new. */
  read: (() => Promise<Version<T>>) | null;
  fresh: T;
  children: (opened: Version<T>) => ReactNode;
}

/** Reads once, when the form opens, so that no refresh overwrites what is typed. */
export function Opened<T>({ queryKey, read, fresh, children }: OpenedProps<T>) {
  const query = useQuery({
    queryKey: [...queryKey, 'opened'],
    queryFn: read ?? skipToken,
    staleTime: Infinity,
    gcTime: 0,
  });
  if (read === null) return children({ body: fresh, etag: null });
  return <WithData query={query}>{children}</WithData>;
}

interface EditingOptions<T, Saved> {
  opened: Version<T>;
  /** The newest version. */
  read: () => Promise<Version<T>>;
  /** Throws a Failure of 412 if `from` is no longer the newest version. */
  save: (fields: T, from: Version<T>) => Promise<{ value: Saved }>;
  onSaved: (value: Saved) => unknown;
}

/** The fields whose values differ. */
export function changesOf<T extends object>(before: T, after: T): Partial<T> {
  const changed = Object.entries(after).filter(([name, value]) => textOf(value) !== textOf(before[name as keyof T]));
  return Object.fromEntries(changed) as Partial<T>;
}

interface ConflictProps<T> {
  conflict: { mine: T; theirs: T; take: () => void; keep: () => void } | null;
  labels: Partial<Record<keyof T, string>>;
}

/** Both versions of each field that differs, and the choice. */
export function Conflict<T extends object>({ conflict, labels }: ConflictProps<T>) {
  if (!conflict) return null;
  const { mine, theirs, take, keep } = conflict;
  const words = texts.editing;
  const differing = Object.keys(changesOf(theirs, mine)).filter((name) => labels[name as keyof T]) as (keyof T)[];
  return (
    <Alert color="orange" role="alert" title={words.title}>
      {differing.length === 0 ? (
        <Text size="sm">{words.hidden}</Text>
      ) : (
        <Table>
          <Table.Thead>
            <Table.Tr>
              <Table.Th />
              <Table.Th>{words.theirs}</Table.Th>
              <Table.Th>{words.mine}</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {differing.map((name) => (
              <Table.Tr key={String(name)}>
                <Table.Th>{labels[name]}</Table.Th>
                <Table.Td style={{ overflowWrap: 'anywhere' }}>{textOf(theirs[name])}</Table.Td>
                <Table.Td style={{ overflowWrap: 'anywhere' }}>{textOf(mine[name])}</Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      )}
      <Group gap="xs" mt="xs">
        <Button size="xs" variant="default" onClick={take}>
          {words.take}
        </Button>
        <Button size="xs" variant="default" onClick={keep}>
          {words.keep}
        </Button>
      </Group>
    </Alert>
  );
}

function textOf(value: unknown): string {
  if (value === undefined || value === null || value === '') return '';
  if (typeof value === 'boolean') return value ? texts.editing.yes : texts.editing.no;
  if (Array.isArray(value)) return value.join(', ');
  return typeof value === 'number' ? numberText(value) : (value as string);
}
