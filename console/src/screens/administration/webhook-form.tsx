import { MultiSelect, TextInput } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { api, bodyOf } from '../../api/client';
import type { Version } from '../../api/client';
import { Act, Dialog } from '../../parts/dialog';
import { Conflict, Opened, useEditing } from '../../parts/editing';
import { texts } from '../../texts/texts';
import { EVENTS, WEBHOOKS, readWebhook, webhooksKey } from './webhooks-api';

interface Fields {
  name: string;
  url: string;
  events: string[];
  /** Kept as they are: the form does not show them. */
  labels?: string[];
  campaigns?: string[];
}

interface WebhookFormProps {
  /** Null: a new one. */
  name: string | null;
  applicationId: string;
  onClose: () => void;
  onCreated: (name: string, secret: string) => void;
}

const NEW: Fields = { name: '', url: '', events: [] };

/** A new webhook, whose secret the server makes, or the address and events of a known one. */
export function WebhookForm({ name, applicationId, onClose, onCreated }: WebhookFormProps) {
  const words = texts.administration;
  const read = async (): Promise<Version<Fields>> => {
    const { body, etag } = await readWebhook(applicationId, name ?? '');
    const { url, eventTypes, labels, campaigns } = body;
    return { body: { name: body.name, url, events: eventTypes.split(','), labels, campaigns }, etag };
  };
  return (
    <Dialog title={name === null ? words.newWebhook : `${words.change}: ${name}`} close={onClose}>
      <Opened queryKey={[...webhooksKey(applicationId), name]} read={name === null ? null : read} fresh={NEW}>
        {(opened) => (
          <FormFields
            opened={opened}
            read={read}
            applicationId={applicationId}
            onClose={onClose}
            onCreated={onCreated}
          />
        )}
      </Opened>
    </Dialog>
  );
}

interface FormFieldsProps extends Omit<WebhookFormProps, 'name'> {
  opened: Version<Fields>;
  read: () => Promise<Version<Fields>>;
}

function FormFields({ opened, read, applicationId, onClose, onCreated }: FormFieldsProps) {
  const words = texts.administration;
  const queries = useQueryClient();
  const isNew = opened.etag === null;
  const { fields, change, saving, save, conflict } = useEditing<Fields, string | null>({
    opened,
    read,
    save: async ({ name, events, ...kept }, { etag }) => {
      const body = { ...kept, eventTypes: events.join(',') };
      if (etag === null) {
        const params = { path: { applicationId } };
        return { value: (await bodyOf(api.POST(WEBHOOKS, { params, body: { name, ...body } }))).secret };
      }
      const params = { path: { applicationId, name }, header: { 'If-Match': etag } };
      await bodyOf(api.PUT(`${WEBHOOKS}/{name}`, { params, body }));
      return { value: null };
    },
    onSaved: async (secret) => {
      await queries.invalidateQueries({ queryKey: webhooksKey(applicationId) });
      onClose();
      if (secret !== null) onCreated(fields.name, secret);
    },
  });
  return (
    <Act close={onClose} of={saving} act={save} label={isNew ? words.create : words.save} disabled={conflict !== null}>
      <TextInput
        label={words.name}
        name="webhook-name"
        autoComplete="off"
        required
        readOnly={!isNew}
        value={fields.name}
        onChange={(event) => change({ name: event.currentTarget.value })}
      />
      <TextInput
        label={words.url}
        name="webhook-url"
        autoComplete="off"
        type="url"
        placeholder="https://"
        required
        value={fields.url}
        onChange={(event) => change({ url: event.currentTarget.value })}
      />
      <MultiSelect
        label={words.events}
        data={EVENTS}
        searchable
        value={fields.events}
        onChange={(events) => change({ events })}
        withAsterisk
      />
      <Conflict conflict={conflict} labels={{ url: words.url, events: words.events }} />
    </Act>
  );
}
