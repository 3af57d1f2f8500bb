import { Alert, Badge, Group, SimpleGrid, Stack, Table, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { api, bodyOf } from '../../api/client';
import { LIVE_MS, reading } from '../../api/read';
import type { Reading } from '../../api/read';
import { durationText, numberText } from '../../parts/format';
import { ListTable } from '../../parts/list-table';
import { Page } from '../../parts/page';
import { Panel } from '../../parts/panel';
import { Problem, problemKey } from '../../parts/problem';
import { WithData } from '../../parts/states';
import { Ago } from '../../parts/time';
import { texts } from '../../texts/texts';

const readSystem = (options: Reading) => bodyOf(api.GET('/imfpush/v1/system', { ...options }));
type State = Awaited<ReturnType<typeof readSystem>>;

/** Processes, queue, migrations, and the problems of now with the next step for each. */
export function System() {
  const words = texts.administration;
  const system = useQuery(reading(['system'], readSystem, 2 * LIVE_MS));
  return (
    <Page title={words.system} lead={words.systemLead}>
      <WithData query={system}>
        {(state) => (
          <Stack>
            <Problems problems={state.problems} />
            <SimpleGrid cols={{ base: 1, md: 2 }}>
              <Queue queue={state.queue} />
              <Oldest pending={state.oldestPending} />
              <Panel title={words.version}>
                <Text>{words.versionOf(state.version)}</Text>
                <Text>{words.migrations(state.migrations.applied, state.migrations.pending)}</Text>
              </Panel>
              <Retention retention={state.retention} />
            </SimpleGrid>
            <Processes processes={state.processes} />
          </Stack>
        )}
      </WithData>
    </Page>
  );
}

function Problems({ problems }: { problems: State['problems'] }) {
  const words = texts.administration;
  if (problems.length === 0) return <Alert color="green">{words.noProblems}</Alert>;
  return problems.map((problem) => <Problem key={problemKey(problem)} problem={problem} />);
}

function Queue({ queue }: { queue: State['queue'] }) {
  const words = texts.administration;
  return (
    <Panel title={words.queue}>
      {queue ? (
        <Figures
          head={[words.name, words.waiting, words.active, words.delayed]}
          rows={queue.map(({ name, waiting, active, delayed }) => [name, waiting, active, delayed])}
        />
      ) : (
        <Text>{words.queueAway}</Text>
      )}
    </Panel>
  );
}

function Oldest({ pending }: { pending: State['oldestPending'] }) {
  const words = texts.administration;
  return (
    <Panel title={words.oldest}>
      {pending.length === 0 ? (
        <Text>{words.nothingPending}</Text>
      ) : (
        <Figures
          head={[words.provider, words.waitsFor]}
          rows={pending.map(({ provider, seconds }) => [provider, durationText(seconds)])}
        />
      )}
    </Panel>
  );
}

/** Days after which rows are removed. */
function Retention({ retention }: { retention: State['retention'] }) {
  const words = texts.administration;
  return (
    <Panel title={words.retention}>
      <Figures
        head={[words.name, words.keptFor]}
        rows={Object.entries(words.retained).map(([name, text]) => [
          text,
          name === 'webhookEventDays' && retention.webhookEventDays === 0
            ? words.notKept
            : words.days(retention[name as keyof typeof retention]),
        ])}
      />
    </Panel>
  );
}

function Figures({ head, rows }: { head: string[]; rows: (string | number)[][] }) {
  return (
    <Table>
      <Table.Thead>
        <Table.Tr>
          {head.map((text) => (
            <Table.Th key={text}>{text}</Table.Th>
          ))}
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {rows.map((row) => (
          <Table.Tr key={row[0]}>
            {row.map((value, column) => (
              <Table.Td key={head[column]}>{typeof value === 'number' ? numberText(value) : value}</Table.Td>
            ))}
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}

function Processes({ processes }: { processes: State['processes'] }) {
  const words = texts.administration;
  return (
    <Panel title={words.processes}>
      <ListTable width={640} head={[words.name, words.roles, words.version, words.host, words.started, words.lastSeen]}>
        {processes.map(({ id, name, roles, version, host, startedTime, lastSeenTime, state }) => (
          <Table.Tr key={id}>
            <Table.Td>
              <Group gap="xs">
                {name}
                {state === 'lost' && <Badge color="red.8">{words.lost}</Badge>}
              </Group>
            </Table.Td>
            <Table.Td>{roles.join(', ')}</Table.Td>
            <Table.Td>{version}</Table.Td>
            <Table.Td>{host}</Table.Td>
            <Table.Td>
              <Ago time={startedTime} />
            </Table.Td>
            <Table.Td>
              <Ago time={lastSeenTime} />
            </Table.Td>
          </Table.Tr>
        ))}
      </ListTable>
    </Panel>
  );
}
