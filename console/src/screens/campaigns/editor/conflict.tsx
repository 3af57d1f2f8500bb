import { Alert, Button, Code, Group, Radio, Stack, Table, Text } from '@mantine/core';
import { useEffect, useRef, useState } from 'react';
import { texts } from '../../../texts/texts';
import type { Campaign } from '../read-campaigns';
import { changesOf, definitionOf, merge } from './definition';
import type { Change } from './definition';
import { draftOf } from './form';
import type { EditorDraft } from './form';

interface ConflictProps {
  draft: EditorDraft;
  /** As another client or person has saved it meanwhile. */
  current: Campaign;
  /** The viewer has pressed the button to save. */
  isAsked: boolean;
  onMerged: (next: EditorDraft) => void;
  onDiscard: () => void;
}

/** Both versions, member by member; where both changed one, the viewer chooses. */
export function Conflict({ draft, current, isAsked, onMerged, onDiscard }: ConflictProps) {
  const words = texts.editor.conflict;
  const [chosen, setChosen] = useState<Record<string, string>>({});
  const top = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (isAsked) top.current?.scrollIntoView({ block: 'center' });
  }, [isAsked]);
  const theirs = definitionOf(current);
  const changes = changesOf(draft.base?.definition ?? theirs, draft.definition, theirs);
  const isChosen = changes.every(({ path, isConflict }) => !isConflict || path.join('.') in chosen);
  const go = (): void =>
    onMerged({
      ...draftOf(current, draft.key),
      definition: merge(theirs, changes, (path) => chosen[path.join('.')] === 'mine'),
    });
  return (
    <Alert ref={top} color="orange" title={words.title} role="alert">
      <Stack>
        <Text size="sm">{words.lead}</Text>
        <Table.ScrollContainer minWidth={600} type="native">
          <Table>
            <Table.Thead>
              <Table.Tr>
                {[words.member, words.before, words.mine, words.theirs].map((head) => (
                  <Table.Th key={head} scope="col">
                    {head}
                  </Table.Th>
                ))}
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {changes.map((change) => {
                const name = change.path.join('.');
                return (
                  <Table.Tr key={name} data-change={name}>
                    <Table.Th scope="row" fw={500}>
                      <Code>{name}</Code>
                    </Table.Th>
                    <Table.Td>{textOf(change.before)}</Table.Td>
                    {(['mine', 'theirs'] as const).map((side) => (
                      <Table.Td key={side}>
                        <Side
                          change={change}
                          side={side}
                          isChosen={chosen[name] === side}
                          onChoose={() => setChosen({ ...chosen, [name]: side })}
                        />
                      </Table.Td>
                    ))}
                  </Table.Tr>
                );
              })}
            </Table.Tbody>
          </Table>
        </Table.ScrollContainer>
        <Group>
          <Button disabled={!isChosen} onClick={go}>
            {words.goOn}
          </Button>
          <Button variant="default" onClick={onDiscard}>
            {words.discard}
          </Button>
        </Group>
      </Stack>
    </Alert>
  );
}

interface SideProps {
  change: Change;
  side: 'mine' | 'theirs';
  isChosen: boolean;
  onChoose: () => void;
}

function Side({ change, side, isChosen, onChoose }: SideProps) {
  const text = textOf(change[side]);
  if (!change.isConflict) return text;
  const label = `${texts.editor.conflict[side]}: ${text}`;
  return <Radio label={text} aria-label={label} checked={isChosen} onChange={onChoose} />;
}

function textOf(value: unknown): string {
  if (value === undefined) return '–';
  return typeof value === 'string' ? value : JSON.stringify(value);
}
