import { Group } from '@mantine/core';
import { ScopedButton } from './scoped';

interface RowActsProps<What extends string> {
  /** The thing of the row; a reader of the screen hears it behind the act. */
  name: string;
  needs: string;
  applicationId?: string;
  /** By what is opened, the text of its button. */
  acts: Readonly<Record<What, string>>;
  open: (what: What) => void;
}

/** The small buttons of a row. */
export function RowActs<What extends string>({ name, needs, applicationId, acts, open }: RowActsProps<What>) {
  return (
    <Group gap={4} wrap="nowrap">
      {(Object.keys(acts) as What[]).map((what) => (
        <ScopedButton
          key={what}
          needs={needs}
          applicationId={applicationId}
          size="xs"
          variant="default"
          aria-label={`${acts[what]}: ${name}`}
          onClick={() => open(what)}
        >
          {acts[what]}
        </ScopedButton>
      ))}
    </Group>
  );
}
