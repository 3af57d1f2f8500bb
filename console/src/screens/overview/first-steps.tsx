import { Anchor, Group, List, Stack, Text, TextInput } from '@mantine/core';
import { useMutation, useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import type { FormEvent } from 'react';
import { api, bodyOf } from '../../api/client';
import { CALM_MS, reading } from '../../api/read';
import { ScreenLink } from '../../parts/link';
import { Panel } from '../../parts/panel';
import { newKey } from '../../parts/random';
import { ScopedButton } from '../../parts/scoped';
import { FailedAct } from '../../parts/states';
import { texts } from '../../texts/texts';

/** While no message was sent: a first one to all devices of the application, and the steps after it. */
export function FirstSteps({ application }: { application: string }) {
  const path = { applicationId: application };
  const { data: first } = useQuery(
    reading(
      ['first-steps', application],
      (options) =>
        bodyOf(
          api.GET('/imfpush/v1/apps/{applicationId}/messages', { params: { path, query: { size: 1 } }, ...options }),
        ),
      CALM_MS,
    ),
  );
  const { data: devices } = useQuery(
    reading(['devices-count', application], (options) =>
      bodyOf(api.GET('/imfpush/v1/apps/{applicationId}/devices', { params: { path, query: { size: 1 } }, ...options })),
    ),
  );
  if (!first || first.messages.length > 0) return null;
  const number = devices && Number(devices.pageInfo.totalCount);
  return (
    <Panel title={texts.firstSteps.title}>
      <Stack>
        {number === 0 ? (
          <Text>{texts.firstSteps.noDevices}</Text>
        ) : (
          <SendFirst application={application} devices={number} />
        )}
        <List size="sm">
          <List.Item>{texts.firstSteps.watch}</List.Item>
          <List.Item>
            {texts.firstSteps.provider}{' '}
            <ScreenLink to="/apps/$app/providers" params={{ app: application }}>
              {texts.providers.title}
            </ScreenLink>
          </List.Item>
          <List.Item>
            {texts.firstSteps.client}{' '}
            <ScreenLink to="/administration/clients">{texts.administration.clients}</ScreenLink>
          </List.Item>
          <List.Item>
            {texts.firstSteps.document} <Anchor href="/doc/">/doc/</Anchor>
          </List.Item>
        </List>
      </Stack>
    </Panel>
  );
}

function SendFirst({ application, devices }: { application: string; devices: number | undefined }) {
  const navigate = useNavigate();
  const [alert, setAlert] = useState(texts.firstSteps.hello);
  const [key, setKey] = useState(newKey);
  const sending = useMutation({
    mutationFn: () =>
      bodyOf(
        api.POST('/imfpush/v1/apps/{applicationId}/messages', {
          params: {
            path: { applicationId: application },
            header: { 'Idempotency-Key': key, Prefer: 'handling=strict' },
          },
          body: { message: { alert } },
        }),
      ),
    onSuccess: (answer) =>
      'messageId' in answer
        ? navigate({ to: '/apps/$app/messages/$message', params: { app: application, message: answer.messageId } })
        : undefined,
  });
  const send = (): void => {
    if (!sending.isPending) sending.mutate();
  };
  return (
    <form
      onSubmit={(event: FormEvent) => {
        event.preventDefault();
        send();
      }}
    >
      <Group align="flex-end">
        <TextInput
          label={texts.firstSteps.text}
          value={alert}
          onChange={(event) => {
            setAlert(event.currentTarget.value);
            setKey(newKey());
          }}
          required
          w={{ base: '100%', sm: 320 }}
        />
        <ScopedButton needs="messages.write" applicationId={application} loading={sending.isPending} onClick={send}>
          {texts.firstSteps.send(devices ?? 0)}
        </ScopedButton>
      </Group>
      {sending.error && <FailedAct error={sending.error} />}
    </form>
  );
}
