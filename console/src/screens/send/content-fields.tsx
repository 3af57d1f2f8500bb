import { Accordion, SimpleGrid, Stack, Text, Textarea, TextInput } from '@mantine/core';
import { ZONE } from '../../parts/format';
import { texts } from '../../texts/texts';
import { ClockNote } from './clock-note';
import { keyOf, OWN_FIELDS, wrongFields } from './draft';
import type { OwnField, SendDraft } from './draft';

interface ContentFieldsProps {
  draft: SendDraft;
  set: (members: Partial<SendDraft>) => void;
}

/** The four fields that every platform has once, and the rest folded away. */
export function ContentFields({ draft, set }: ContentFieldsProps) {
  const words = texts.send;
  return (
    <Stack gap="sm">
      <Textarea
        label={words.text}
        required
        autosize
        minRows={3}
        value={draft.text}
        onChange={(event) => set({ text: event.currentTarget.value })}
      />
      <TextInput
        label={words.messageTitle}
        value={draft.title}
        onChange={(event) => set({ title: event.currentTarget.value })}
      />
      <SimpleGrid cols={{ base: 1, sm: 2 }}>
        <TextInput
          label={words.picture}
          description={words.pictureHint}
          inputMode="url"
          value={draft.picture}
          onChange={(event) => set({ picture: event.currentTarget.value })}
        />
        <TextInput
          label={words.link}
          description={words.linkHint}
          inputMode="url"
          value={draft.link}
          onChange={(event) => set({ link: event.currentTarget.value })}
        />
      </SimpleGrid>
      <Folded draft={draft} set={set} />
    </Stack>
  );
}

const GROUPS = ['apns', 'gcm', 'web'] as const;

function groupOf({ settings }: OwnField): (typeof GROUPS)[number] {
  return settings === 'apns' || settings === 'gcm' ? settings : 'web';
}

function Folded({ draft, set }: ContentFieldsProps) {
  const words = texts.send;
  const wrong = wrongFields(draft);
  const wrongNumber = (key: string): string | undefined => (wrong.includes(key) ? words.wholeNumber : undefined);
  return (
    <Accordion multiple variant="contained" order={2}>
      <Accordion.Item value="when">
        <Accordion.Control>{words.delivery}</Accordion.Control>
        <Accordion.Panel>
          <SimpleGrid cols={{ base: 1, sm: 3 }}>
            <TextInput
              type="datetime-local"
              label={words.sendAt}
              description={words.sendAtHint(ZONE)}
              value={draft.sendAt}
              onChange={(event) => set({ sendAt: event.currentTarget.value })}
            />
            <TextInput
              label={words.ttl}
              description={words.ttlHint}
              inputMode="numeric"
              value={draft.ttlHours}
              error={wrongNumber('ttlHours')}
              onChange={(event) => set({ ttlHours: event.currentTarget.value })}
            />
            <TextInput
              label={words.label}
              description={words.labelHint}
              maxLength={64}
              value={draft.label}
              onChange={(event) => set({ label: event.currentTarget.value })}
            />
          </SimpleGrid>
          <ClockNote sendAt={draft.sendAt} />
        </Accordion.Panel>
      </Accordion.Item>
      {GROUPS.map((group) => (
        <Accordion.Item key={group} value={group}>
          <Accordion.Control>{words.groups[group]}</Accordion.Control>
          <Accordion.Panel>
            <SimpleGrid cols={{ base: 1, sm: 2 }}>
              {OWN_FIELDS.filter((field) => groupOf(field) === group).map((field) => {
                const key = keyOf(field);
                return (
                  <TextInput
                    key={key}
                    label={group === 'web' ? key : field.name}
                    inputMode={field.kind === 'whole' ? 'numeric' : undefined}
                    value={draft.own[key] ?? ''}
                    error={wrongNumber(key)}
                    onChange={(event) => set({ own: { ...draft.own, [key]: event.currentTarget.value } })}
                  />
                );
              })}
            </SimpleGrid>
          </Accordion.Panel>
        </Accordion.Item>
      ))}
      <Text size="xs" c="dimmed" p="xs">
        {words.moreFields}
      </Text>
    </Accordion>
  );
}
