import { Button, Group, Select, TextInput } from '@mantine/core';
import { useState } from 'react';
import { texts } from '../../texts/texts';
import { BY } from './address';
import type { DevicesAddress } from './address';

interface FiltersProps {
  address: DevicesAddress;
  choose: (next: DevicesAddress) => void;
}

/** Each of them is looked up by an index of the API; a device must match all. */
export function Filters({ address, choose }: FiltersProps) {
  const [draft, setDraft] = useState(address);
  const words = texts.devices;
  const set = (members: DevicesAddress): void => setDraft({ ...draft, ...members });
  const by = draft.by ?? 'device';
  return (
    <form
      role="search"
      aria-label={words.search}
      onSubmit={(event) => {
        event.preventDefault();
        choose(onlyFilled(draft));
      }}
    >
      <Group align="flex-end" gap="xs">
        <Select
          label={words.searchBy}
          data={BY.map((each) => ({ value: each, label: words.by[each] }))}
          value={by}
          onChange={(next) => set({ by: next ?? 'device' })}
          allowDeselect={false}
          w={180}
        />
        <TextInput
          label={words.byHint[by]}
          value={draft.text ?? ''}
          onChange={(event) => set({ text: event.currentTarget.value })}
          flex={1}
          miw={200}
        />
        <Select
          label={words.platform}
          data={Object.entries(texts.platforms).map(([value, label]) => ({ value, label }))}
          value={draft.platform ?? null}
          onChange={(platform) => set({ platform: platform ?? undefined })}
          placeholder={words.any}
          clearable
          clearButtonProps={{ 'aria-label': words.clear(words.platform) }}
          w={150}
        />
        <TextInput
          label={words.language}
          placeholder="de"
          value={draft.language ?? ''}
          onChange={(event) => set({ language: event.currentTarget.value })}
          w={90}
        />
        <Select
          label={words.state}
          data={(['active', 'retired'] as const).map((value) => ({ value, label: words.states[value] }))}
          value={draft.state ?? null}
          onChange={(state) => set({ state: state ?? undefined })}
          placeholder={words.any}
          clearable
          clearButtonProps={{ 'aria-label': words.clear(words.state) }}
          w={130}
        />
        <Button type="submit" variant="default">
          {words.search}
        </Button>
        <Button variant="subtle" color="gray" onClick={() => choose({})}>
          {words.reset}
        </Button>
      </Group>
    </form>
  );
}

function onlyFilled({ by, ...fields }: DevicesAddress): DevicesAddress {
  const filled = Object.fromEntries(
    Object.entries(fields).flatMap(([name, value]: [string, string | undefined]) =>
      value?.trim() ? [[name, value.trim()]] : [],
    ),
  ) as DevicesAddress;
  return { ...filled, ...(filled.text && by && by !== 'device' && { by }) };
}
