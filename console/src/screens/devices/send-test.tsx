import { Stack, Text, TextInput } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api, bodyOf } from '../../api/client';
import { Act, Dialog } from '../../parts/dialog';
import { ScreenLink } from '../../parts/link';
import { newKey } from '../../parts/random';
import { ScopedButton } from '../../parts/scoped';
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
      {isOpen && <TestDialog path={path} close={close} />}
    </>
  );
}

function TestDialog({ path: { applicationId, deviceId }, close }: { path: DevicePath; close: () => void }) {
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
    <Dialog title={words.title} close={close}>
      {sent === null ? (
        <Act close={close} of={sending} act={() => sending.mutate()} label={words.send} disabled={text.trim() === ''}>
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
        </Act>
      ) : (
        <Stack align="flex-start">
          <Text role="status">{words.sent}</Text>
          <ScreenLink to="/apps/$app/messages/$message" params={{ app: applicationId, message: sent }} onClick={close}>
            {texts.send.mine.watch}
          </ScreenLink>
        </Stack>
      )}
    </Dialog>
  );
}
