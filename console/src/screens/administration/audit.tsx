import { Badge, Button, Code, Group, Select, Table, Text, TextInput } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { keepPreviousData, useMutation, useQuery } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { api, bodyOf } from '../../api/client';
import type { components } from '../../api/schema';
import { download } from '../../api/session';
import { ZONE, timeText } from '../../parts/format';
import { ListTable } from '../../parts/list-table';
import { Page } from '../../parts/page';
import { Pages } from '../../parts/pages';
import { Empty, WithData } from '../../parts/states';
import { texts } from '../../texts/texts';
import { AUDIT_FIELDS, OUTCOMES, auditAddress } from './address';
import type { AuditAddress } from './address';
import { detailLines } from './audit-detail';
import { useRuntimeName } from './clients-api';

type Event = components['schemas']['AuditEventAnswer'];
type Events = components['schemas']['AuditEventListAnswer'];

const PATH = '/mfpadmin/management-apis/2.0/runtimes/{runtimeName}/auditevents';
const SIZE = 50;
const TYPING_MS = 300;

export function Audit() {
  const words = texts.administration;
  const runtimeName = useRuntimeName();
  const filter = auditAddress(useSearch({ strict: false }));
  const [settled] = useDebouncedValue(filter, TYPING_MS);
  const navigate = useNavigate();
  const page = useQuery({
    queryKey: ['audit', settled],
    placeholderData: keepPreviousData,
    // The document has lines as another form of the answer, which is not asked for here.
    queryFn: ({ signal }) =>
      bodyOf<unknown>(
        api.GET(PATH, { params: { path: { runtimeName }, query: { size: SIZE, ...settled } }, signal }),
      ) as Promise<Events>,
  });
  const { before, ...whole } = settled;
  const exporting = useMutation({
    mutationFn: () =>
      download(
        `${PATH.replace('{runtimeName}', runtimeName)}?${new URLSearchParams({ ...whole }).toString()}`,
        'audit.ndjson',
      ),
  });
  /** Another filter begins at its first page. */
  const show = (change: AuditAddress): void =>
    void navigate({ to: '.', search: () => ({ ...filter, before: undefined, ...change }), replace: true });
  const go = (after: string | undefined): void =>
    void navigate({ to: '.', search: () => ({ ...filter, before: after === undefined ? undefined : Number(after) }) });
  return (
    <Page
      title={words.audit}
      lead={words.auditLead}
      actions={
        <Button variant="default" loading={exporting.isPending} onClick={() => exporting.mutate()}>
          {words.export}
        </Button>
      }
    >
      <Group>
        {AUDIT_FIELDS.map((name) => (
          <TextInput
            key={name}
            label={words.auditFields[name]}
            value={filter[name] ?? ''}
            onChange={(event) => show({ [name]: event.currentTarget.value || undefined })}
          />
        ))}
        <Select
          label={words.outcome}
          data={[
            { value: '', label: words.anyOutcome },
            ...OUTCOMES.map((value) => ({ value, label: words.outcomes[value] })),
          ]}
          value={filter.outcome ?? ''}
          onChange={(value) => show({ outcome: OUTCOMES.find((each) => each === value) })}
          allowDeselect={false}
        />
      </Group>
      <WithData query={page}>
        {({ events }) => (
          <>
            {events.length === 0 ? (
              <Empty title={words.noEvents}>{words.noEventsHint}</Empty>
            ) : (
              <EventTable events={events} />
            )}
            <Pages
              after={before?.toString()}
              next={events.length < SIZE ? undefined : events.at(-1)?.id.toString()}
              go={go}
            />
          </>
        )}
      </WithData>
    </Page>
  );
}

/** An act in words; a newer API may know more. */
function actText(action: string): string {
  const { objects, verbs } = texts.administration.act;
  const [object = '', verb] = action.split('.');
  const of = objects[object as keyof typeof objects] ?? object;
  return verb === undefined ? of : `${of}: ${verbs[verb as keyof typeof verbs] ?? verb}`;
}

const OUTCOME_COLOURS = { done: 'gray', refused: 'orange', failed: 'red' } as const;

function EventTable({ events }: { events: Event[] }) {
  const words = texts.administration;
  return (
    <ListTable
      head={[
        words.time(ZONE),
        words.who,
        words.auditFields.action,
        words.auditFields.subject,
        words.outcome,
        words.address,
        words.detail,
      ]}
    >
      {events.map((event) => (
        <Table.Tr key={event.id}>
          <Table.Td>{timeText(event.time)}</Table.Td>
          <Table.Td>
            {event.person ? (event.person.email ?? event.person.name ?? event.person.subject) : event.clientId}
            {event.person && (
              <Text size="xs" c="dimmed">
                {event.clientId}
              </Text>
            )}
          </Table.Td>
          <Table.Td>
            {actText(event.action)}
            <Text size="xs" c="dimmed">
              <Code>{event.action}</Code>
            </Text>
          </Table.Td>
          <Table.Td style={{ overflowWrap: 'anywhere' }}>{event.subject}</Table.Td>
          <Table.Td>
            <Badge color={OUTCOME_COLOURS[event.outcome]} variant="light" c="var(--mantine-color-text)">
              {words.outcomes[event.outcome]}
            </Badge>
          </Table.Td>
          <Table.Td>{event.address}</Table.Td>
          <Table.Td>
            {detailLines(event.detail).map((line) => (
              <Text key={line} size="xs" style={{ overflowWrap: 'anywhere' }}>
                {line}
              </Text>
            ))}
          </Table.Td>
        </Table.Tr>
      ))}
    </ListTable>
  );
}
