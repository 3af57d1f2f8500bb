import { Alert, Group, Stack, Table, Text, TextInput } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api, bodyOf } from '../../api/client';
import { CALM_MS, reading } from '../../api/read';
import { Dialog } from '../../parts/dialog';
import { numberText } from '../../parts/format';
import { ListTable } from '../../parts/list-table';
import { ScopedButton } from '../../parts/scoped';
import { FailedAct, WithData } from '../../parts/states';
import { Ago } from '../../parts/time';
import { texts } from '../../texts/texts';
import { WEBHOOKS, WRITE, webhooksKey } from './webhooks-api';

interface WebhookTriesProps {
  name: string;
  applicationId: string;
  onClose: () => void;
}

/** The last tries of deliveries, a test event, and a try of what waits. */
export function WebhookTries({ name, applicationId, onClose }: WebhookTriesProps) {
  const words = texts.administration;
  const queries = useQueryClient();
  const params = { path: { applicationId, name } };
  const tries = useQuery(
    reading(
      [...webhooksKey(applicationId), name, 'tries'],
      (options) => bodyOf(api.GET(`${WEBHOOKS}/{name}/attempts`, { params, ...options })),
      CALM_MS / 2,
    ),
  );
  const testing = useMutation({ mutationFn: () => bodyOf(api.POST(`${WEBHOOKS}/{name}/test`, { params })) });
  const retrying = useMutation({
    mutationFn: () => bodyOf(api.POST(`${WEBHOOKS}/{name}/retry`, { params })),
    onSuccess: () => queries.invalidateQueries({ queryKey: webhooksKey(applicationId) }),
  });
  const [since, setSince] = useState('');
  const replaying = useMutation({
    mutationFn: (from: string) => bodyOf(api.POST(`${WEBHOOKS}/{name}/replay`, { params, body: { from } })),
    onSuccess: () => queries.invalidateQueries({ queryKey: webhooksKey(applicationId) }),
  });
  const scoped = { needs: WRITE, applicationId, variant: 'default', size: 'xs' } as const;
  const error = testing.error ?? retrying.error ?? replaying.error;
  return (
    <Dialog title={words.triesOf(name)} close={onClose} size="xl">
      <Stack>
        <Group gap="xs">
          <ScopedButton {...scoped} loading={testing.isPending} onClick={() => testing.mutate()}>
            {words.testEvent}
          </ScopedButton>
          <ScopedButton {...scoped} loading={retrying.isPending} onClick={() => retrying.mutate()}>
            {words.tryNow}
          </ScopedButton>
        </Group>
        <Group gap="xs" align="flex-end">
          <TextInput
            type="datetime-local"
            size="xs"
            label={words.eventsSince}
            value={since}
            onChange={(event) => setSince(event.currentTarget.value)}
          />
          <ScopedButton
            {...scoped}
            disabled={since === ''}
            loading={replaying.isPending}
            onClick={() => replaying.mutate(new Date(since).toISOString())}
          >
            {words.replay}
          </ScopedButton>
        </Group>
        {error && <FailedAct error={error} />}
        {testing.data && (
          <Alert
            role="status"
            color={testing.data.accepted ? 'green' : 'red'}
            title={testing.data.accepted ? words.tested(testing.data.durationMs) : words.notTested}
          >
            {testing.data.error}
          </Alert>
        )}
        {retrying.isSuccess && <Text role="status">{words.triedNow}</Text>}
        {replaying.data && <Text role="status">{words.replayed(replaying.data.events)}</Text>}
        <WithData query={tries}>
          {({ attempts }) =>
            attempts.length === 0 ? (
              <Text c="dimmed">{words.noTries}</Text>
            ) : (
              <ListTable head={[words.started, words.event, words.tried, words.result]} width={560}>
                {attempts.map(({ time, eventId, eventType, tries: nth, durationMs, error: refusal }) => (
                  <Table.Tr key={`${eventId} ${nth} ${time}`}>
                    <Table.Td>
                      <Ago time={time} />
                    </Table.Td>
                    <Table.Td>
                      {eventType}
                      <Text size="xs" c="dimmed">
                        {eventId}
                      </Text>
                    </Table.Td>
                    <Table.Td>{numberText(nth)}</Table.Td>
                    <Table.Td style={{ overflowWrap: 'anywhere' }}>{refusal ?? words.took(durationMs)}</Table.Td>
                  </Table.Tr>
                ))}
              </ListTable>
            )
          }
        </WithData>
      </Stack>
    </Dialog>
  );
}
