import { Radio, Stack } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import type { Version } from '../../api/client';
import { Act, Dialog } from '../../parts/dialog';
import { Conflict, Opened, useEditing } from '../../parts/editing';
import { ScopedButton } from '../../parts/scoped';
import { FailedAct } from '../../parts/states';
import { texts } from '../../texts/texts';
import { FORMS, bodyOfForm, editable, formOf, isShown } from './forms';
import { CONFS, providersKey, putSettings, readSettings, testSettings } from './read-providers';
import type { Provider, Settings } from './read-providers';
import { SettingsField } from './settings-field';
import { TestOutcome } from './test-outcome';

interface SettingsDialogProps {
  app: string;
  provider: Provider;
  configured: boolean;
  close: () => void;
}

const NONE: Settings = {};

/** The settings of one provider. */
export function SettingsDialog({ app, provider, configured, close }: SettingsDialogProps) {
  return (
    <Dialog title={texts.providers.names[provider]} close={close}>
      <Opened
        queryKey={[...providersKey(app), provider]}
        read={configured ? () => readSettings(app, provider) : null}
        fresh={NONE}
      >
        {(opened) => <SettingsForm app={app} provider={provider} opened={opened} close={close} />}
      </Opened>
    </Dialog>
  );
}

interface SettingsFormProps {
  app: string;
  provider: Provider;
  opened: Version<Settings>;
  close: () => void;
}

function SettingsForm({ app, provider, opened, close }: SettingsFormProps) {
  const words = texts.providers;
  const queries = useQueryClient();
  const [form, setForm] = useState(formOf(provider, opened.body));
  const { fields, change, save, saving, conflict } = useEditing<Settings, null>({
    opened: { ...opened, body: editable(opened.body) },
    read: async () => {
      const { body, etag } = await readSettings(app, provider);
      return { body: editable(body), etag };
    },
    save: async (settings, { etag }) => {
      await putSettings(app, provider, bodyOfForm(form, settings), etag);
      return { value: null };
    },
    onSaved: () => {
      void queries.invalidateQueries({ queryKey: providersKey(app) });
      close();
    },
  });
  const testing = useMutation({ mutationFn: () => testSettings(app, provider, bodyOfForm(form, fields)) });
  const edit = (part: Settings): void => {
    testing.reset();
    change(part);
  };
  const needs = { needs: `${CONFS[provider]}.write`, applicationId: app };
  const forms = FORMS[provider];
  return (
    <Act
      close={close}
      of={saving}
      act={save}
      label={words.save}
      disabled={conflict !== null}
      other={
        <ScopedButton {...needs} variant="default" loading={testing.isPending} onClick={() => testing.mutate()}>
          {words.test}
        </ScopedButton>
      }
    >
      {forms.length > 1 && (
        <Radio.Group
          label={words.kind}
          value={form.id}
          onChange={(id) => {
            testing.reset();
            setForm(forms.find((each) => each.id === id) ?? form);
          }}
        >
          <Stack gap="xs" mt="xs">
            {forms.map(({ id }) => (
              <Radio key={id} value={id} label={words.kinds[id]} />
            ))}
          </Stack>
        </Radio.Group>
      )}
      {form.fields.map((name) => (
        <SettingsField
          key={name}
          name={name}
          settings={fields}
          isOptional={
            form.optional?.includes(name) === true &&
            // A stored secret is kept for the same address only.
            (name !== 'secret' || opened.etag !== null)
          }
          edit={edit}
        />
      ))}
      <Conflict
        conflict={
          conflict && {
            ...conflict,
            take: () => {
              conflict.take();
              setForm(formOf(provider, conflict.theirs));
            },
          }
        }
        labels={Object.fromEntries(Object.entries(words.fields).filter(([name]) => isShown(name)))}
      />
      {testing.error && <FailedAct error={testing.error} />}
      {testing.data && <TestOutcome provider={provider} outcome={testing.data} />}
    </Act>
  );
}
