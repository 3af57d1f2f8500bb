import { Group, MultiSelect, Table, Text, TextInput } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import { useState } from 'react';
import { api, bodyOf } from '../../api/client';
import { CALM_MS, reading } from '../../api/read';
import type { components } from '../../api/schema';
import { numberText } from '../../parts/format';
import { Act, Dialog } from '../../parts/dialog';
import { Page } from '../../parts/page';
import { ScopedButton } from '../../parts/scoped';
import { Empty, WithData } from '../../parts/states';
import { texts } from '../../texts/texts';
import { RotateSecret } from './rotate-secret';
import { SecretShown } from './secret-shown';

type Webhook = components['schemas']['WebhookReportAnswer'];
type Open =
  | { what: 'form'; webhook: Webhook | null }
  | { what: 'rotate' | 'delete'; webhook: Webhook }
  | { what: 'secret'; name: string; secret: string };

const PATH = '/imfpush/v1/apps/{applicationId}/webhooks';
const EVENTS = ['onDeviceRegister', 'onDeviceUpdate', 'onDeviceUnregister', 'onSubscribe', 'onUnsubscribe'];
const WRITE = 'webhooks.write';

const keyOf = (applicationId: string): string[] => ['webhooks', applicationId];

/** The webhooks of an application: events of its devices, posted to other servers. */
export function Webhooks() {
  const words = texts.administration;
  const { app: applicationId = '' } = useParams({ strict: false });
  const queries = useQueryClient();
  const [open, setOpen] = useState<Open | null>(null);
  const close = (): void => setOpen(null);
  const params = { path: { applicationId } };
  const webhooks = useQuery(
    reading(keyOf(applicationId), (options) => bodyOf(api.GET(PATH, { params, ...options })), CALM_MS),
  );
  const add = (
    <ScopedButton needs={WRITE} applicationId={applicationId} onClick={() => setOpen({ what: 'form', webhook: null })}>
      {words.newWebhook}
    </ScopedButton>
  );
  return (
    <Page title={words.webhooks} lead={words.webhooksLead} actions={add}>
      <WithData query={webhooks}>
        {({ webhooks: list }) =>
          list.length === 0 ? (
            <Empty title={words.noWebhooks}>{words.noWebhooksHint}</Empty>
          ) : (
            <WebhookTable webhooks={list} applicationId={applicationId} onOpen={setOpen} />
          )
        }
      </WithData>
      {open?.what === 'form' && (
        <WebhookForm
          webhook={open.webhook}
          applicationId={applicationId}
          onClose={close}
          onCreated={(name, secret) => setOpen({ what: 'secret', name, secret })}
        />
      )}
      {open?.what === 'rotate' && (
        <RotateSecret
          name={open.webhook.name}
          rotate={async (overlapSeconds) => {
            const path = { applicationId, name: open.webhook.name };
            const { secret } = await bodyOf(
              api.POST(`${PATH}/{name}/secret`, { params: { path }, body: { overlapSeconds } }),
            );
            return secret;
          }}
          onClose={close}
          onRotated={(secret) => {
            void queries.invalidateQueries({ queryKey: keyOf(applicationId) });
            setOpen({ what: 'secret', name: open.webhook.name, secret });
          }}
        />
      )}
      {open?.what === 'secret' && (
        <SecretShown title={words.secretOf(open.name)} secret={open.secret} onClose={close} />
      )}
      {open?.what === 'delete' && (
        <DeleteWebhook webhook={open.webhook} applicationId={applicationId} onClose={close} />
      )}
    </Page>
  );
}

interface WebhookTableProps {
  webhooks: Webhook[];
  applicationId: string;
  onOpen: (open: Open) => void;
}

function WebhookTable({ webhooks, applicationId, onOpen }: WebhookTableProps) {
  const words = texts.administration;
  return (
    <Table.ScrollContainer minWidth={760} scrollAreaProps={{ tabIndex: 0 }}>
      <Table verticalSpacing="sm">
        <Table.Thead>
          <Table.Tr>
            {[words.name, words.url, words.events, words.waiting, words.lastError, words.acts].map((text) => (
              <Table.Th key={text}>{text}</Table.Th>
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {webhooks.map((webhook) => (
            <Table.Tr key={webhook.name}>
              <Table.Td>{webhook.name}</Table.Td>
              <Table.Td style={{ overflowWrap: 'anywhere' }}>{webhook.url}</Table.Td>
              <Table.Td>{webhook.eventTypes.replaceAll(',', ', ')}</Table.Td>
              <Table.Td>{numberText(webhook.pending)}</Table.Td>
              <Table.Td>{webhook.lastError ?? <Text c="dimmed">{words.none}</Text>}</Table.Td>
              <Table.Td>
                <Group gap={4} wrap="nowrap">
                  {(['form', 'rotate', 'delete'] as const).map((what) => (
                    <ScopedButton
                      key={what}
                      needs={WRITE}
                      applicationId={applicationId}
                      size="xs"
                      variant="default"
                      aria-label={words.webhookActs[what](webhook.name)}
                      onClick={() => onOpen({ what, webhook })}
                    >
                      {{ form: words.change, rotate: words.newSecret, delete: words.delete }[what]}
                    </ScopedButton>
                  ))}
                </Group>
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}

interface WebhookFormProps {
  webhook: Webhook | null;
  applicationId: string;
  onClose: () => void;
  onCreated: (name: string, secret: string) => void;
}

function WebhookForm({ webhook, applicationId, onClose, onCreated }: WebhookFormProps) {
  const words = texts.administration;
  const queries = useQueryClient();
  const [name, setName] = useState(webhook?.name ?? '');
  const [url, setUrl] = useState(webhook?.url ?? '');
  const [events, setEvents] = useState(webhook?.eventTypes.split(',') ?? []);
  const saving = useMutation({
    mutationFn: async () => {
      const body = { url, eventTypes: events.join(',') };
      if (webhook) {
        await bodyOf(api.PUT(`${PATH}/{name}`, { params: { path: { applicationId, name } }, body }));
        return null;
      }
      const params = { path: { applicationId } };
      return (await bodyOf(api.POST(PATH, { params, body: { name, ...body } }))).secret;
    },
    onSuccess: async (secret) => {
      await queries.invalidateQueries({ queryKey: keyOf(applicationId) });
      onClose();
      if (secret !== null) onCreated(name, secret);
    },
  });
  return (
    <Dialog title={webhook ? words.webhookActs.form(webhook.name) : words.newWebhook} close={onClose}>
      <Act close={onClose} of={saving} act={() => saving.mutate()} label={webhook ? words.save : words.create}>
        <TextInput
          label={words.name}
          name="webhook-name"
          autoComplete="off"
          required
          readOnly={webhook !== null}
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
        />
        <TextInput
          label={words.url}
          name="webhook-url"
          autoComplete="off"
          type="url"
          placeholder="https://"
          required
          value={url}
          onChange={(event) => setUrl(event.currentTarget.value)}
        />
        <MultiSelect label={words.events} data={EVENTS} value={events} onChange={setEvents} withAsterisk />
      </Act>
    </Dialog>
  );
}

function DeleteWebhook({
  webhook,
  applicationId,
  onClose,
}: Omit<WebhookFormProps, 'onCreated'> & { webhook: Webhook }) {
  const words = texts.administration;
  const queries = useQueryClient();
  const deleting = useMutation({
    mutationFn: () => bodyOf(api.DELETE(`${PATH}/{name}`, { params: { path: { applicationId, name: webhook.name } } })),
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: keyOf(applicationId) });
      onClose();
    },
  });
  return (
    <Dialog title={words.webhookActs.delete(webhook.name)} close={onClose}>
      <Act close={onClose} of={deleting} act={() => deleting.mutate()} label={words.delete} color="red.8">
        <Text>{words.deleteWebhookHint}</Text>
      </Act>
    </Dialog>
  );
}
