import { Alert, Button, Group, Modal, Stack, Text, TextInput } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api, bodyOf } from '../../api/client';
import { ScopedButton, useMay } from '../../parts/scoped';
import { describeFailure } from '../../parts/states';
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
      {isOpen && <Dialog path={path} close={close} />}
    </>
  );
}

function Dialog({ path, close }: { path: UserPath; close: () => void }) {
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
    <Modal opened onClose={close} title={words.eraseTitle} closeButtonProps={{ 'aria-label': texts.close }}>
      {erasing.isSuccess ? (
        <Text role="status">{words.erased}</Text>
      ) : (
        <form
          onSubmit={(event) => {
            event.preventDefault();
            if (typed === path.userId && !erasing.isPending) erasing.mutate();
          }}
        >
          <Stack>
            <Text size="sm">{words.eraseWhat}</Text>
            <TextInput
              label={words.typeId(path.userId)}
              value={typed}
              autoComplete="off"
              data-autofocus
              onChange={(event) => setTyped(event.currentTarget.value)}
            />
            {erasing.error && (
              <Alert color="red" role="alert">
                {describeFailure(erasing.error)}
              </Alert>
            )}
            <Group justify="flex-end">
              <Button variant="default" onClick={close}>
                {texts.cancel}
              </Button>
              <Button type="submit" color="red" loading={erasing.isPending} disabled={typed !== path.userId}>
                {words.erase}
              </Button>
            </Group>
          </Stack>
        </form>
      )}
    </Modal>
  );
}
