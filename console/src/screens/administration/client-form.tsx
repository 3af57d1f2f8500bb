import { Switch, TextInput } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import type { Version } from '../../api/client';
import { Act, Dialog } from '../../parts/dialog';
import { Conflict, Opened, changesOf, useEditing } from '../../parts/editing';
import { texts } from '../../texts/texts';
import { CLIENTS_KEY, changeClient, createClient, readClient, useRuntimeName } from './clients-api';
import { ScopeInput, elementsOf } from './scope-chips';

interface Fields {
  displayName: string;
  id: string;
  scope: string[];
  enabled: boolean;
  certificateBound: boolean;
}

interface ClientFormProps {
  /** Null: a new one. */
  id: string | null;
  onClose: () => void;
  /** A new client with the secret that was made for it. */
  onCreated: (id: string, secret: string) => void;
}

const NEW: Fields = { displayName: '', id: '', scope: [], enabled: true, certificateBound: false };

/** A new client, whose secret the server makes, or the fields of a known one. No secret is typed into this form. */
export function ClientForm({ id, onClose, onCreated }: ClientFormProps) {
  const words = texts.administration;
  const runtimeName = useRuntimeName();
  const read = async (): Promise<Version<Fields>> => {
    const { body, etag } = await readClient(runtimeName, id ?? '');
    const { id: clientId, displayName, allowedScope, enabled, certificateBound = false } = body;
    const scope = elementsOf(allowedScope);
    return { body: { displayName, id: clientId, scope, enabled, certificateBound }, etag };
  };
  return (
    <Dialog title={id === null ? words.newClient : `${words.change}: ${id}`} close={onClose} size="lg">
      <Opened queryKey={[...CLIENTS_KEY, id]} read={id === null ? null : read} fresh={NEW}>
        {(opened) => <FormFields opened={opened} read={read} onClose={onClose} onCreated={onCreated} />}
      </Opened>
    </Dialog>
  );
}

interface FormFieldsProps extends Pick<ClientFormProps, 'onClose' | 'onCreated'> {
  opened: Version<Fields>;
  read: () => Promise<Version<Fields>>;
}

function FormFields({ opened, read, onClose, onCreated }: FormFieldsProps) {
  const words = texts.administration;
  const runtimeName = useRuntimeName();
  const queries = useQueryClient();
  const isNew = opened.etag === null;
  const { fields, change, saving, save, conflict } = useEditing<Fields, string | null>({
    opened,
    read,
    save: async (edited, from) => {
      const named = { ...edited, displayName: edited.displayName.trim() || edited.id };
      if (from.etag === null) {
        const { scope, ...rest } = named;
        const { secret = '' } = await createClient(runtimeName, { ...rest, allowedScope: scope.join(' ') });
        return { value: secret };
      }
      const { scope, ...changed } = changesOf(from.body, named);
      const body = { ...changed, ...(scope && { allowedScope: scope.join(' ') }) };
      await changeClient(runtimeName, edited.id, body, from.etag);
      return { value: null };
    },
    onSaved: async (secret) => {
      await queries.invalidateQueries({ queryKey: CLIENTS_KEY });
      onClose();
      if (secret !== null) onCreated(fields.id, secret);
    },
  });
  return (
    <Act close={onClose} of={saving} act={save} label={isNew ? words.create : words.save} disabled={conflict !== null}>
      <TextInput
        label={words.displayName}
        name="client-display-name"
        autoComplete="off"
        maxLength={255}
        value={fields.displayName}
        onChange={(event) => change({ displayName: event.currentTarget.value })}
      />
      <TextInput
        label={words.id}
        name="client-id"
        autoComplete="off"
        description={isNew ? words.idHint : undefined}
        required
        readOnly={!isNew}
        maxLength={255}
        value={fields.id}
        onChange={(event) => change({ id: event.currentTarget.value })}
      />
      <ScopeInput value={fields.scope} onChange={(scope) => change({ scope })} />
      <Switch
        label={words.enabled}
        checked={fields.enabled}
        onChange={(event) => change({ enabled: event.currentTarget.checked })}
      />
      <Switch
        label={words.certificateBound}
        description={words.certificateBoundHint}
        checked={fields.certificateBound}
        onChange={(event) => change({ certificateBound: event.currentTarget.checked })}
      />
      <Conflict
        conflict={conflict}
        labels={{
          displayName: words.displayName,
          scope: words.allowedScope,
          enabled: words.enabled,
          certificateBound: words.certificateBound,
        }}
      />
    </Act>
  );
}
