import { Badge, Group, List, TagsInput, Tooltip } from '@mantine/core';
import { texts } from '../../texts/texts';
import { OFFERED, meaningOf } from './scope-meaning';

const SHOWN = 4;

export function elementsOf(scope: string): string[] {
  return scope.split(' ').filter((element) => element !== '');
}

/** The elements of a scope; each says what it permits. */
export function ScopeChips({ scope }: { scope: string }) {
  const elements = elementsOf(scope);
  const more = elements.slice(SHOWN);
  return (
    <Group gap={4}>
      {elements.slice(0, SHOWN).map((element) => (
        <Chip key={element} label={element} meaning={meaningOf(element)} />
      ))}
      {more.length > 0 && <Chip label={`+${more.length}`} meaning={more.join(' ')} />}
    </Group>
  );
}

function Chip({ label, meaning }: { label: string; meaning: string }) {
  return (
    <Tooltip label={meaning} events={{ hover: true, focus: true, touch: true }} multiline maw={360}>
      <Badge variant="default" tt="none" radius="sm" tabIndex={0} aria-label={`${label}: ${meaning}`}>
        {label}
      </Badge>
    </Tooltip>
  );
}

interface ScopeInputProps {
  value: string[];
  onChange: (elements: string[]) => void;
}

/** Chips to type or to choose, with the meaning of each below. */
export function ScopeInput({ value, onChange }: ScopeInputProps) {
  const words = texts.administration;
  return (
    <>
      <TagsInput
        label={words.allowedScope}
        description={words.allowedScopeHint}
        data={OFFERED}
        value={value}
        onChange={onChange}
        splitChars={[' ', ',']}
        acceptValueOnBlur
        withAsterisk
        autoComplete="off"
      />
      {value.length > 0 && (
        <List size="sm" aria-label={words.meanings}>
          {value.map((element) => (
            <List.Item key={element}>
              <b>{element}</b>: {meaningOf(element)}
            </List.Item>
          ))}
        </List>
      )}
    </>
  );
}
