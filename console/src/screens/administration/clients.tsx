import { Badge, Group, Table, Text, TextInput } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useState } from 'react';
import { CALM_MS, reading } from '../../api/read';
import { timeText } from '../../parts/format';
import { ListTable } from '../../parts/list-table';
import { Page } from '../../parts/page';
import { RemoveDialog } from '../../parts/remove-dialog';
import { RowActs } from '../../parts/row-acts';
import { ScopedButton, useMay } from '../../parts/scoped';
import { Empty, WithData } from '../../parts/states';
import { Ago } from '../../parts/time';
import { texts } from '../../texts/texts';
import { ClientForm } from './client-form';
import { CLIENTS_KEY, deleteClient, readClient, readClients, rotateSecret, useRuntimeName } from './clients-api';
import type { Client } from './clients-api';
import { RotateSecret } from './rotate-secret';
import { ScopeChips } from './scope-chips';
import { SecretShown } from './secret-shown';

type Open =
  | { what: 'form'; client: Client | null }
  | { what: 'rotate' | 'delete'; client: Client }
  | { what: 'secret'; id: string; secret: string };

/** The role that the viewer has, or the one to ask for. */
export function useAdministration(): string {
  return useMay('mfpdeployer') ? 'mfpdeployer' : 'mfpadmin';
}

/** Confidential clients, as in MobileFirst's Settings → Confidential Clients. */
export function Clients() {
  const words = texts.administration;
  const runtimeName = useRuntimeName();
  const needs = useAdministration();
  const queries = useQueryClient();
  const [open, setOpen] = useState<Open | null>(null);
  const close = (): void => setOpen(null);
  const { find = '' }: { find?: string } = useSearch({ strict: false });
  const navigate = useNavigate();
  const clients = useQuery(reading(CLIENTS_KEY, (options) => readClients(runtimeName, options), CALM_MS));
  return (
    <Page
      title={words.clients}
      lead={words.clientsLead}
      actions={
        <ScopedButton needs={needs} onClick={() => setOpen({ what: 'form', client: null })}>
          {words.newClient}
        </ScopedButton>
      }
    >
      <WithData query={clients}>
        {(list) => (
          <>
            <TextInput
              label={words.findClient}
              maw={320}
              value={find}
              onChange={({ currentTarget: { value } }) =>
                void navigate({ to: '.', search: () => (value === '' ? {} : { find: value }), replace: true })
              }
            />
            <ClientTable clients={list.filter((client) => isFound(client, find))} needs={needs} onOpen={setOpen} />
          </>
        )}
      </WithData>
      {open?.what === 'form' && (
        <ClientForm
          id={open.client?.id ?? null}
          onClose={close}
          onCreated={(id, secret) => setOpen({ what: 'secret', id, secret })}
        />
      )}
      {open?.what === 'rotate' && (
        <RotateSecret
          name={open.client.id}
          rotate={async (overlap) => (await rotateSecret(runtimeName, open.client.id, overlap)).secret ?? ''}
          onClose={close}
          onRotated={(secret) => {
            void queries.invalidateQueries({ queryKey: CLIENTS_KEY });
            setOpen({ what: 'secret', id: open.client.id, secret });
          }}
        />
      )}
      {open?.what === 'secret' && <SecretShown title={words.secretOf(open.id)} secret={open.secret} onClose={close} />}
      {open?.what === 'delete' && (
        <RemoveDialog
          title={`${words.delete}: ${open.client.id}`}
          label={words.delete}
          hint={words.deleteHint}
          close={close}
          queryKey={[...CLIENTS_KEY, open.client.id]}
          read={() => readClient(runtimeName, open.client.id)}
          remove={(etag) => deleteClient(runtimeName, open.client.id, etag)}
          onRemoved={async (left) => {
            await queries.invalidateQueries({ queryKey: CLIENTS_KEY });
            if (left)
              notifications.show({ color: 'orange', title: words.deleted(open.client.id), message: words.leftBehind });
            close();
          }}
        />
      )}
    </Page>
  );
}

function isFound({ id, displayName }: Client, find: string): boolean {
  return [id, displayName].some((name) => name.toLowerCase().includes(find.toLowerCase()));
}

interface ClientTableProps {
  clients: Client[];
  needs: string;
  onOpen: (open: Open) => void;
}

function ClientTable({ clients, needs, onOpen }: ClientTableProps) {
  const words = texts.administration;
  if (clients.length === 0) return <Empty title={words.noClients} />;
  return (
    <ListTable head={[words.displayName, words.id, words.allowedScope, words.proofs, words.lastUsed, words.acts]}>
      {clients.map((client) => (
        <Table.Tr key={client.id}>
          <Table.Td>
            <Group gap="xs">
              {client.displayName}
              {!client.enabled && <Badge color="gray">{words.disabled}</Badge>}
              {client.secrets.length > 1 && (
                <Badge color="orange" variant="light" c="var(--mantine-color-text)">
                  {words.twoSecrets}
                </Badge>
              )}
            </Group>
          </Table.Td>
          <Table.Td style={{ overflowWrap: 'anywhere' }}>{client.id}</Table.Td>
          <Table.Td>
            <ScopeChips scope={client.allowedScope} />
          </Table.Td>
          <Table.Td>
            {proofsOf(client).map((proof) => (
              <Text key={proof} size="sm" style={{ overflowWrap: 'anywhere' }}>
                {proof}
              </Text>
            ))}
          </Table.Td>
          <Table.Td>
            {client.lastUsedTime ? (
              <Ago time={client.lastUsedTime} />
            ) : (
              <Text inherit c="dimmed">
                {words.never}
              </Text>
            )}
          </Table.Td>
          <Table.Td>
            <RowActs
              name={client.id}
              needs={needs}
              acts={{ form: words.change, rotate: words.newSecret, delete: words.delete }}
              open={(what) => onOpen({ what, client })}
            />
          </Table.Td>
        </Table.Tr>
      ))}
    </ListTable>
  );
}

/** By what the client authenticates: its secrets with their ends, its keys, a certificate. */
function proofsOf({ secrets, jwks, jwksUri, certificateBound }: Client): string[] {
  const words = texts.administration;
  return [
    ...secrets.map(({ expiresTime }) => (expiresTime ? words.secretEnds(timeText(expiresTime)) : words.secret)),
    ...(jwks ? [words.keys(jwks.keys?.length ?? 0)] : []),
    ...(jwksUri ? [words.keysAt(jwksUri)] : []),
    ...(certificateBound ? [words.certificate] : []),
  ];
}
