import { Group, Table, Text } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import { useState } from 'react';
import { api, bodyOf } from '../../api/client';
import { CALM_MS, reading } from '../../api/read';
import type { components } from '../../api/schema';
import { numberText } from '../../parts/format';
import { ListTable } from '../../parts/list-table';
import { Page } from '../../parts/page';
import { RemoveDialog } from '../../parts/remove-dialog';
import { RowActs } from '../../parts/row-acts';
import { ScopedButton } from '../../parts/scoped';
import { Empty, WithData } from '../../parts/states';
import { texts } from '../../texts/texts';
import { RotateSecret } from './rotate-secret';
import { SecretShown } from './secret-shown';
import { WebhookForm } from './webhook-form';
import { WebhookTries } from './webhook-tries';
import { READ, WEBHOOKS as PATH, WRITE, deleteWebhook, readWebhook, webhooksKey as keyOf } from './webhooks-api';

type Webhook = components['schemas']['WebhookReportAnswer'];
type Open =
  | { what: 'form'; webhook: Webhook | null }
  | { what: 'tries' | 'rotate' | 'delete'; webhook: Webhook }
  | { what: 'secret'; name: string; secret: string };

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
          name={open.webhook?.name ?? null}
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
      {open?.what === 'tries' && (
        <WebhookTries name={open.webhook.name} applicationId={applicationId} onClose={close} />
      )}
      {open?.what === 'delete' && (
        <RemoveDialog
          title={`${words.delete}: ${open.webhook.name}`}
          label={words.delete}
          hint={words.deleteWebhookHint}
          close={close}
          queryKey={[...keyOf(applicationId), open.webhook.name]}
          read={() => readWebhook(applicationId, open.webhook.name)}
          remove={(etag) => deleteWebhook(applicationId, open.webhook.name, etag)}
          onRemoved={async () => {
            await queries.invalidateQueries({ queryKey: keyOf(applicationId) });
            close();
          }}
        />
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
    <ListTable head={[words.name, words.url, words.events, words.waiting, words.lastError, words.acts]}>
      {webhooks.map((webhook) => (
        <Table.Tr key={webhook.name}>
          <Table.Td>{webhook.name}</Table.Td>
          <Table.Td style={{ overflowWrap: 'anywhere' }}>{webhook.url}</Table.Td>
          <Table.Td>{webhook.eventTypes.replaceAll(',', ', ')}</Table.Td>
          <Table.Td>{numberText(webhook.pending)}</Table.Td>
          <Table.Td>
            {webhook.disabledReason !== undefined
              ? words.disabledBecause(webhook.disabledReason)
              : (webhook.lastError ?? (
                  <Text inherit c="dimmed">
                    {words.none}
                  </Text>
                ))}
          </Table.Td>
          <Table.Td>
            <Group gap={4} wrap="nowrap">
              <RowActs
                name={webhook.name}
                needs={READ}
                applicationId={applicationId}
                acts={{ tries: words.tries }}
                open={(what) => onOpen({ what, webhook })}
              />
              <RowActs
                name={webhook.name}
                needs={WRITE}
                applicationId={applicationId}
                acts={{ form: words.change, rotate: words.newSecret, delete: words.delete }}
                open={(what) => onOpen({ what, webhook })}
              />
            </Group>
          </Table.Td>
        </Table.Tr>
      ))}
    </ListTable>
  );
}
