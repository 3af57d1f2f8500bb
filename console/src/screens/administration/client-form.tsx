import { Switch, TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { Act, Dialog } from '../../parts/dialog';
import { texts } from '../../texts/texts';
import { CLIENTS_KEY, changeClient, createClient, useRuntimeName } from './clients-api';
import type { ChangedFields, Client } from './clients-api';
import { ScopeInput, elementsOf } from './scope-chips';

interface ClientFormProps {
  /** Null: a new one. */
  client: Client | null;
  onClose: () => void;
  /** A new client with the secret that was made for it. */
  onCreated: (id: string, secret: string) => void;
}

/** A new client, whose secret the server makes, or the fields of a known one. No secret is typed into this form. */
export function ClientForm({ client, onClose, onCreated }: ClientFormProps) {
  const words = texts.administration;
  const runtimeName = useRuntimeName();
  const queries = useQueryClient();
  const [displayName, setDisplayName] = useState(client?.displayName ?? '');
  const [id, setId] = useState(client?.id ?? '');
  const [scope, setScope] = useState(elementsOf(client?.allowedScope ?? ''));
  const [enabled, setEnabled] = useState(client?.enabled ?? true);
  const saving = useMutation({
    mutationFn: async () => {
      const fields = { displayName: displayName.trim() || id, allowedScope: scope.join(' '), enabled };
      if (client) {
        await changeClient(runtimeName, client.id, changedOf(client, fields));
        return null;
      }
      const { secret = '' } = await createClient(runtimeName, { id, ...fields });
      return secret;
    },
    onSuccess: async (secret) => {
      await queries.invalidateQueries({ queryKey: CLIENTS_KEY });
      onClose();
      if (secret !== null) onCreated(id, secret);
    },
  });
  return (
    <Dialog title={client ? words.edit(client.id) : words.newClient} close={onClose} size="lg">
      <Act close={onClose} of={saving} act={() => saving.mutate()} label={client ? words.save : words.create}>
        <TextInput
          label={words.displayName}
          name="client-display-name"
          autoComplete="off"
          maxLength={255}
          value={displayName}
          onChange={(event) => setDisplayName(event.currentTarget.value)}
        />
        <TextInput
          label={words.id}
          name="client-id"
          autoComplete="off"
          description={client ? undefined : words.idHint}
          required
          readOnly={client !== null}
          maxLength={255}
          value={id}
          onChange={(event) => setId(event.currentTarget.value)}
        />
        <ScopeInput value={scope} onChange={setScope} />
        <Switch label={words.enabled} checked={enabled} onChange={(event) => setEnabled(event.currentTarget.checked)} />
      </Act>
    </Dialog>
  );
}

function changedOf(client: Client, fields: Required<Pick<ChangedFields, 'displayName' | 'allowedScope' | 'enabled'>>) {
  const changed: ChangedFields = {};
  if (fields.displayName !== client.displayName) changed.displayName = fields.displayName;
  if (fields.allowedScope !== elementsOf(client.allowedScope).join(' ')) changed.allowedScope = fields.allowedScope;
  if (fields.enabled !== client.enabled) changed.enabled = fields.enabled;
  return changed;
}
