import { Button, Group, Select, TextInput } from '@mantine/core';
import { useState } from 'react';
import type { FormEvent } from 'react';
import { texts } from '../../texts/texts';
import type { MessagesAddress } from './address';

interface FiltersProps {
  address: MessagesAddress;
  choose: (address: MessagesAddress) => void;
}

/** Applied by Enter or the button; the state at once. */
export function Filters({ address, choose }: FiltersProps) {
  const [typed, setTyped] = useState(address);
  const apply = (next: MessagesAddress): void =>
    choose(Object.fromEntries(Object.entries(next).filter(([, value]) => value !== undefined && value !== '')));
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    apply(typed);
  };
  const field = (name: 'label' | 'client' | 'campaign') => (
    <TextInput
      label={texts.messages[name]}
      value={typed[name] ?? ''}
      onChange={(event) => setTyped({ ...typed, [name]: event.currentTarget.value.trim() })}
      size="xs"
      w={140}
    />
  );
  const time = (name: 'from' | 'to') => (
    <TextInput
      type="datetime-local"
      label={texts.messages[name]}
      value={toLocal(typed[name])}
      onChange={(event) => setTyped({ ...typed, [name]: toIso(event.currentTarget.value) })}
      size="xs"
    />
  );
  return (
    <form onSubmit={submit} role="search">
      <Group align="flex-end" gap="xs">
        <Select
          label={texts.messages.state}
          data={Object.entries(texts.messageStates).map(([value, label]) => ({ value, label }))}
          value={typed.state ?? null}
          onChange={(state) => apply({ ...typed, state: state ?? undefined })}
          clearable
          clearButtonProps={{ 'aria-label': texts.messages.anyState }}
          placeholder={texts.messages.anyState}
          size="xs"
          w={150}
        />
        {field('label')}
        {field('client')}
        {field('campaign')}
        {time('from')}
        {time('to')}
        <Button type="submit" variant="default" size="xs">
          {texts.messages.filter}
        </Button>
        {Object.keys(address).length > 0 && (
          <Button variant="subtle" size="xs" onClick={() => choose({})}>
            {texts.messages.noFilter}
          </Button>
        )}
      </Group>
    </form>
  );
}

/** The input has the viewer's own zone and no seconds. */
function toLocal(iso: string | undefined): string {
  if (iso === undefined) return '';
  const time = new Date(iso);
  if (Number.isNaN(time.getTime())) return '';
  return new Date(time.getTime() - time.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

function toIso(local: string): string | undefined {
  return local === '' ? undefined : new Date(local).toISOString();
}
