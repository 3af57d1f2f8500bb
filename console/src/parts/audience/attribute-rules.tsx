import { ActionIcon, Button, Group, Select, Stack, Text, TextInput } from '@mantine/core';
import { IconPlus, IconTrash } from '@tabler/icons-react';
import { texts } from '../../texts/texts';
import { newKey } from '../random';
import { OPERATORS } from './audience';
import type { AttributeRule } from './audience';

interface AttributeRulesProps {
  rules: readonly AttributeRule[];
  onChange: (next: AttributeRule[]) => void;
}

/** Conditions on the attributes that devices were registered with. */
export function AttributeRules({ rules, onChange }: AttributeRulesProps) {
  const words = texts.audience;
  const set = (id: string, members: Partial<AttributeRule>): void =>
    onChange(rules.map((rule) => (rule.id === id ? { ...rule, ...members } : rule)));
  return (
    <Stack gap={6} role="group" aria-label={words.attributes}>
      <Text size="sm" fw={500}>
        {words.attributes}
      </Text>
      {rules.map(({ id, name, operator, value }) => (
        <Group key={id} gap="xs" align="flex-end" wrap="nowrap">
          <TextInput
            label={words.attribute}
            value={name}
            onChange={(event) => set(id, { name: event.currentTarget.value })}
            flex={1}
          />
          <Select
            label={words.operator}
            data={OPERATORS.map((each) => ({ value: each, label: words.operators[each] }))}
            value={operator}
            onChange={(next) => set(id, { operator: next ?? 'is' })}
            allowDeselect={false}
            w={170}
          />
          {operator !== 'yes' && operator !== 'no' && (
            <TextInput
              label={words.value}
              value={value}
              onChange={(event) => set(id, { value: event.currentTarget.value })}
              flex={1}
            />
          )}
          <ActionIcon
            variant="default"
            size={36}
            aria-label={words.removeRule(name)}
            onClick={() => onChange(rules.filter((rule) => rule.id !== id))}
          >
            <IconTrash size={16} />
          </ActionIcon>
        </Group>
      ))}
      <div>
        <Button
          size="xs"
          variant="default"
          leftSection={<IconPlus size={14} aria-hidden />}
          onClick={() => onChange([...rules, { id: newKey(), name: '', operator: 'is', value: '' }])}
        >
          {words.addRule}
        </Button>
      </div>
    </Stack>
  );
}
