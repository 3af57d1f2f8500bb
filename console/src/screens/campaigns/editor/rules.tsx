import { Select, SimpleGrid, Stack, TextInput } from '@mantine/core';
import { texts } from '../../../texts/texts';
import type { Form } from './form';
import { NumberField } from './number-field';

const NIGHT = { from: '22:00', to: '08:00' };

/** The rules that hold a firing back, slow it down or leave it out. */
export function Rules({ form }: { form: Form }) {
  const words = texts.editor;
  const { policies = {} } = form.definition;
  const { quietHours, catchUp } = policies;
  const choice = (member: 'overlap' | 'catchUp', label: string, names: Record<string, string>) => (
    <Select
      label={label}
      data={[{ value: '', label: words.standard(names[STANDARD[member]] ?? '') }, ...optionsOf(names)]}
      value={policies[member] ?? ''}
      onChange={(next) => form.set(['policies', member], next || undefined)}
      allowDeselect={false}
    />
  );
  return (
    <Stack gap="sm">
      <SimpleGrid cols={{ base: 1, sm: quietHours ? 3 : 1 }}>
        <Select
          label={texts.campaigns.quietHours}
          description={words.quietHint}
          data={[{ value: '', label: words.noQuiet }, ...optionsOf(texts.campaigns.quiet)]}
          value={quietHours?.action ?? ''}
          onChange={(action) =>
            form.set(['policies', 'quietHours'], action ? { ...NIGHT, ...quietHours, action } : undefined)
          }
          allowDeselect={false}
        />
        {quietHours &&
          (['from', 'to'] as const).map((end) => (
            <TextInput
              key={end}
              type="time"
              label={words[end]}
              description={words.quietZone}
              value={quietHours[end]}
              onChange={(event) =>
                event.currentTarget.value && form.set(['policies', 'quietHours', end], event.currentTarget.value)
              }
            />
          ))}
      </SimpleGrid>
      <SimpleGrid cols={{ base: 1, sm: 2 }}>
        <NumberField form={form} path={['policies', 'dailyCap']} label={texts.campaigns.dailyCap} />
        <NumberField form={form} path={['content', 'ttl']} label={texts.send.ttl} factor={1 / 3_600} isDecimal />
        <NumberField form={form} path={['policies', 'ratePerSecond']} label={words.rate} isDecimal />
        <NumberField form={form} path={['policies', 'spreadSeconds']} label={words.spread} factor={1 / 60} isDecimal />
        <NumberField
          form={form}
          path={['policies', 'pauseAtFailureShare']}
          label={words.pauseAt}
          description={words.pauseAtHint}
          factor={100}
          isDecimal
        />
      </SimpleGrid>
      {choice('overlap', texts.campaigns.overlap, texts.campaigns.overlaps)}
      {choice('catchUp', texts.campaigns.catchUp, texts.campaigns.catchUps)}
      {catchUp === 'all' && (
        <NumberField
          form={form}
          path={['policies', 'catchUpSeconds']}
          label={words.catchUpHours}
          factor={1 / 3_600}
          isDecimal
        />
      )}
    </Stack>
  );
}

/** Of the API, for a rule that is not set. */
const STANDARD = { overlap: 'allow', catchUp: 'once' };

function optionsOf(names: Record<string, string>): { value: string; label: string }[] {
  return Object.entries(names).map(([value, label]) => ({ value, label }));
}
