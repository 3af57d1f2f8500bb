import { Text, TextInput } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api, bodyOf } from '../../api/client';
import { Act, Dialog } from '../../parts/dialog';
import { ScopedButton, useMay } from '../../parts/scoped';
import { texts } from '../../texts/texts';
import { readAgain } from './queries';
import type { UserPath } from './user-data';

/** Deletes what is kept about a user. The id is typed, because there is no way back. */
export function EraseUser({ path }: { path: UserPath }) {
  const [isOpen, { open, close }] = useDisclosure(false);
  const mayDevices = useMay('devices.write', path.applicationId);
  return (
    <>
      <ScopedButton
        needs={mayDevices ? 'messages.write' : 'devices.write'}
        applicationId={path.applicationId}
        variant="default"
        c="var(--mantine-color-error)"
        onClick={open}
      >
        {texts.devices.ofUser.erase}
      </ScopedButton>
      {isOpen && <EraseDialog path={path} close={close} />}
    </>
  );
}

function EraseDialog({ path, close }: { path: UserPath; close: () => void }) {
  const words = texts.devices.ofUser;
  const queries = useQueryClient();
  const [typed, setTyped] = useState('');
  const erasing = useMutation({
    mutationFn: () => bodyOf(api.DELETE('/imfpush/v1/apps/{applicationId}/users/{userId}', { params: { path } })),
    onSuccess: () => {
      queries.removeQueries({ queryKey: ['user', path.applicationId, path.userId] });
      return readAgain(queries, path.applicationId);
    },
  });
  return (
    <Dialog title={words.eraseTitle} close={close}>
      {erasing.isSuccess ? (
        <Text role="status">{words.erased}</Text>
      ) : (
        <Act
          close={close}
          of={erasing}
          act={() => erasing.mutate()}
          label={words.erase}
          color="red"
          disabled={typed !== path.userId}
        >
          <Text size="sm">{words.eraseWhat}</Text>
          <TextInput
            label={words.typeId(path.userId)}
            value={typed}
            autoComplete="off"
            data-autofocus
            onChange={(event) => setTyped(event.currentTarget.value)}
          />
        </Act>
      )}
    </Dialog>
  );
}
