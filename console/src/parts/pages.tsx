import { Alert, Button, Group } from '@mantine/core';
import { Failure } from '../api/failure';
import { texts } from '../texts/texts';

interface PagesProps {
  /** The cursor of the page on the screen; undefined: the first. */
  after: string | undefined;
  next: string | undefined;
  go: (after: string | undefined) => void;
}

/** Pages of a list by the API's cursors, which stand in the address: the browser's back button is the way back. */
export function Pages({ after, next, go }: PagesProps) {
  if (after === undefined && next === undefined) return null;
  return (
    <Group justify="flex-end" mt="sm">
      <Button variant="default" size="xs" disabled={after === undefined} onClick={() => go(undefined)}>
        {texts.pages.first}
      </Button>
      <Button variant="default" size="xs" disabled={next === undefined} onClick={() => go(next)}>
        {texts.pages.next}
      </Button>
    </Group>
  );
}

/** A cursor that the API no longer takes: a list then starts at its first page, with this note. */
export function OldCursor() {
  return (
    <Alert color="gray" role="status" mb="sm">
      {texts.pages.oldCursor}
    </Alert>
  );
}

/** Whether a read failed for its cursor. */
export function isOldCursor(error: Error | null, after: string | undefined): boolean {
  return after !== undefined && error instanceof Failure && error.status === 400 && error.message.includes("'after'");
}
