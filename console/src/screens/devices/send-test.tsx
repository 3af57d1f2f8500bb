import { Alert, Button, Modal, Stack, Text, TextInput } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api, bodyOf } from '../../api/client';
import { ScreenLink } from '../../parts/link';
import { newKey } from '../../parts/random';
import { ScopedButton } from '../../parts/scoped';
import { describeFailure } from '../../parts/states';
import { texts } from '../../texts/texts';
import { readAgain } from './queries';
import type { DevicePath } from './queries';

/** A message with the label "test" to this device alone. */
export function SendTest({ path }: { path: DevicePath }) {
  const [isOpen, { open, close }] = useDisclosure(false);
  return (
    <>
      <ScopedButton needs="messages.write" applicationId={path.applicationId} variant="default" onClick={open}>
        {texts.devices.test.button}
      </ScopedButton>
      {isOpen && <Dialog path={path} close={close} />}
    </>
  );
}

function Dialog({ path: { applicationId, deviceId }, close }: { path: DevicePath; close: () => void }) {
  const words = texts.devices.test;
  const queries = useQueryClient();
  const [text, setText] = useState(words.text);
  // Of one text: a second press or a lost answer sends once, a changed text is another message.
  const [key, setKey] = useState(newKey);
  const sending = useMutation({
    mutationFn: () =>
      bodyOf(
        api.POST('/imfpush/v1/apps/{applicationId}/messages', {
          params: { path: { applicationId }, header: { 'Idempotency-Key': key, Prefer: 'handling=strict' } },
          body: { message: { alert: text }, target: { deviceIds: [deviceId] }, label: 'test' },
        }),
      ),
    onSuccess: () => readAgain(queries, applicationId),
  });
  const sent = sending.data && 'messageId' in sending.data ? sending.data.messageId : null;
  return (
    <Modal opened onClose={close} title={words.title} closeButtonProps={{ 'aria-label': texts.close }}>
      {sent === null ? (
        <form
          onSubmit={(event) => {
            event.preventDefault();
            if (!sending.isPending) sending.mutate();
          }}
        >
          <Stack>
            <TextInput
              label={texts.send.text}
              value={text}
              required
              data-autofocus
              onChange={(event) => {
                setText(event.currentTarget.value);
                setKey(newKey());
              }}
            />
            {sending.error && (
              <Alert color="red" role="alert">
                {describeFailure(sending.error)}
              </Alert>
            )}
            <Button type="submit" loading={sending.isPending} disabled={text.trim() === ''}>
              {words.send}
            </Button>
          </Stack>
        </form>
      ) : (
        <Stack align="flex-start">
          <Text role="status">{words.sent}</Text>
          <ScreenLink to="/apps/$app/messages/$message" params={{ app: applicationId, message: sent }} onClick={close}>
            {texts.send.mine.watch}
          </ScreenLink>
        </Stack>
      )}
    </Modal>
  );
}
