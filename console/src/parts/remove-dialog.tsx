import { Alert, Button, Text } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import type { Version } from '../api/client';
import { Failure } from '../api/failure';
import { texts } from '../texts/texts';
import { Act, Dialog } from './dialog';
import { Opened } from './editing';

interface RemoveDialogProps<Left> {
  title: string;
  label: string;
  hint: string;
  close: () => void;
  queryKey: readonly unknown[];
  read: () => Promise<Version<unknown>>;
  /** Throws a Failure of 412 if the subject is no longer of this revision. */
  remove: (etag: string) => Promise<Left>;
  /** A second way to remove it. */
  other?: { label: string; remove: (etag: string) => Promise<Left> };
  onRemoved: (left: Left) => unknown;
}

/** Removes the version that was there when the dialog opened; a newer one only at a second press. */
export function RemoveDialog<Left>({ title, queryKey, read, close, ...form }: RemoveDialogProps<Left>) {
  return (
    <Dialog title={title} close={close}>
      <Opened queryKey={[...queryKey, 'remove']} read={read} fresh={null}>
        {(opened) => <RemoveForm {...form} opened={opened} read={read} close={close} />}
      </Opened>
    </Dialog>
  );
}

interface RemoveFormProps<Left> extends Omit<RemoveDialogProps<Left>, 'title' | 'queryKey'> {
  opened: Version<unknown>;
}

function RemoveForm<Left>({ opened, read, close, label, hint, remove, other, onRemoved }: RemoveFormProps<Left>) {
  const [version, setVersion] = useState(opened);
  const removing = useMutation({
    mutationFn: async (act: (etag: string) => Promise<Left>) => {
      try {
        return { left: await act(version.etag ?? '') };
      } catch (error) {
        if (!(error instanceof Failure && error.isChanged)) throw error;
        setVersion(await read());
        return null;
      }
    },
    onSuccess: (removed) => removed && onRemoved(removed.left),
  });
  return (
    <Act
      close={close}
      of={removing}
      act={() => removing.mutate(remove)}
      label={label}
      color="red.8"
      other={
        other && (
          <Button variant="default" loading={removing.isPending} onClick={() => removing.mutate(other.remove)}>
            {other.label}
          </Button>
        )
      }
    >
      <Text size="sm">{hint}</Text>
      {version !== opened && (
        <Alert color="orange" role="alert" title={texts.editing.changed}>
          {texts.editing.changedHint}
        </Alert>
      )}
    </Act>
  );
}
