import { Alert, Button, Code, CopyButton, Group, Modal, Stack } from '@mantine/core';
import { useFocusBack } from '../../parts/dialog';
import { texts } from '../../texts/texts';

/** The only time that a secret is shown: the server keeps its hash. */
export function SecretShown({ title, secret, onClose }: { title: string; secret: string; onClose: () => void }) {
  const words = texts.administration;
  useFocusBack();
  return (
    <Modal opened onClose={onClose} title={title} closeOnClickOutside={false} withCloseButton={false}>
      <Stack>
        <Alert color="orange">{words.shownOnce}</Alert>
        <Code block>{secret}</Code>
        <Group justify="flex-end">
          <CopyButton value={secret}>
            {({ copied, copy }) => (
              <Button variant="default" onClick={copy}>
                {copied ? words.copied : words.copy}
              </Button>
            )}
          </CopyButton>
          <Button onClick={onClose}>{words.kept}</Button>
        </Group>
      </Stack>
    </Modal>
  );
}
