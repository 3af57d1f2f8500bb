import { ActionIcon, Button, Group, Select, SimpleGrid, Stack, TextInput, Textarea } from '@mantine/core';
import { IconPlus } from '@tabler/icons-react';
import { useState } from 'react';
import { pictureOf, titleOf, withPicture, withTitle } from '../../../parts/content';
import type { Content as ContentData } from '../../../parts/content';
import { texts } from '../../../texts/texts';
import { contentOf, getAt, languagesOf, pathOf, withContent, withoutLanguage } from './definition';
import type { Part } from './definition';
import type { Form } from './form';
import { NumberField } from './number-field';

interface ContentProps {
  form: Form;
  part: Part;
  onPart: (next: Part) => void;
}

/** The text of the chosen variant in the chosen language. */
export function Content({ form, part, onPart }: ContentProps) {
  const { definition } = form;
  const content = contentOf(definition, part);
  const set = (next: ContentData): void => form.setDefinition(withContent(definition, part, next));
  const message = (content.message ?? {}) as { alert?: string; url?: string };
  const isOwn = getAt(definition, [...pathOf(part), 'message']) !== undefined;
  return (
    <Stack gap="sm">
      <SimpleGrid cols={{ base: 1, sm: 2 }}>
        <Languages form={form} part={part} onPart={onPart} />
        <Variants form={form} part={part} onPart={onPart} />
      </SimpleGrid>
      <Textarea
        label={texts.send.text}
        description={isOwn ? undefined : texts.editor.inherited}
        required
        autosize
        minRows={3}
        value={message.alert ?? ''}
        onChange={(event) => set({ ...content, message: { ...message, alert: event.currentTarget.value } })}
      />
      <TextInput
        label={texts.send.messageTitle}
        value={titleOf(content)}
        onChange={(event) => set(withTitle(content, event.currentTarget.value))}
      />
      <SimpleGrid cols={{ base: 1, sm: 2 }}>
        <TextInput
          label={texts.send.picture}
          description={texts.send.pictureHint}
          inputMode="url"
          value={pictureOf(content)}
          onChange={(event) => set(withPicture(content, event.currentTarget.value.trim()))}
        />
        <TextInput
          label={texts.send.link}
          description={texts.send.linkHint}
          inputMode="url"
          value={message.url ?? ''}
          onChange={(event) => {
            const { url: _old, ...rest } = message;
            const url = event.currentTarget.value.trim();
            set({ ...content, message: url === '' ? rest : { ...rest, url } });
          }}
        />
      </SimpleGrid>
    </Stack>
  );
}

const TAG = /^[a-z]{2,3}(-[a-z0-9]{2,8})*$/i;

function Languages({ form, part, onPart }: ContentProps) {
  const [added, setAdded] = useState('');
  const words = texts.editor;
  const tag = added.trim();
  const known = languagesOf(form.definition);
  const isNew = TAG.test(tag) && !known.some((each) => each.toLowerCase() === tag.toLowerCase());
  const add = (): void => {
    if (!isNew) return;
    form.set(['languages', tag], {});
    onPart({ ...part, language: tag });
    setAdded('');
  };
  return (
    <Stack gap="xs">
      <Select
        label={words.language}
        data={[
          { value: '', label: texts.campaigns.otherLanguages },
          ...known.map((value) => ({ value, label: value })),
        ]}
        value={part.language ?? ''}
        onChange={(language) => onPart({ ...part, language: language === '' ? null : language })}
        allowDeselect={false}
      />
      <Group gap="xs" wrap="nowrap">
        <TextInput
          aria-label={words.newLanguage}
          placeholder={words.newLanguage}
          flex={1}
          value={added}
          onChange={(event) => setAdded(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key !== 'Enter') return;
            event.preventDefault();
            add();
          }}
        />
        <ActionIcon variant="default" size={36} aria-label={words.addLanguage} disabled={!isNew} onClick={add}>
          <IconPlus size={16} />
        </ActionIcon>
      </Group>
      {part.language !== null && (
        <Group>
          <Remove
            label={words.removeLanguage(part.language)}
            onClick={() => {
              form.setDefinition(withoutLanguage(form.definition, part.language ?? ''));
              onPart({ ...part, language: null });
            }}
          />
        </Group>
      )}
    </Stack>
  );
}

const MOST_VARIANTS = 10;

function Variants({ form, part, onPart }: ContentProps) {
  const words = texts.editor;
  const { split = [] } = form.definition;
  const { variant } = part;
  const add = (): void => {
    const name = String.fromCodePoint(65 + split.length);
    const left = 100 - split.reduce((sum, { share }) => sum + share, 0);
    form.set(['split'], [...split, { name, share: Math.max(left, 1) }]);
    onPart({ ...part, variant: split.length });
  };
  return (
    <Stack gap="xs">
      <Select
        label={words.variant}
        data={[
          { value: '', label: words.allVariants },
          ...split.map(({ name }, index) => ({ value: String(index), label: name || words.nameless })),
        ]}
        value={variant === null ? '' : String(variant)}
        onChange={(next) => onPart({ ...part, variant: next ? Number(next) : null })}
        allowDeselect={false}
      />
      {variant !== null && (
        <SimpleGrid cols={2} spacing="xs">
          <TextInput
            label={texts.campaigns.name}
            value={split[variant]?.name ?? ''}
            onChange={(event) => form.set(['split', variant, 'name'], event.currentTarget.value)}
          />
          <NumberField form={form} path={['split', variant, 'share']} label={words.share} isDecimal />
        </SimpleGrid>
      )}
      <Group gap="xs">
        <Button
          variant="default"
          leftSection={<IconPlus size={14} aria-hidden />}
          disabled={split.length >= MOST_VARIANTS}
          onClick={add}
        >
          {words.addVariant}
        </Button>
        {variant !== null && (
          <Remove
            label={words.removeVariant(split[variant]?.name ?? '')}
            onClick={() => {
              form.setSplit(withoutOne(split, variant));
              onPart({ ...part, variant: null });
            }}
          />
        )}
      </Group>
    </Stack>
  );
}

function withoutOne<T>(list: readonly T[], index: number): T[] | undefined {
  return list.length > 1 ? list.toSpliced(index, 1) : undefined;
}

function Remove({ label, onClick }: { label: string; onClick: () => void }) {
  return (
    <Button variant="subtle" color="gray" onClick={onClick}>
      {label}
    </Button>
  );
}
