import { Alert, Button, Group, Modal, Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { api, bodyOf } from '../../api/client';
import { describeFailure } from '../../parts/states';
import { texts } from '../../texts/texts';
import { readAgain } from './queries';
import type { MessagePath, Report } from './queries';

interface CancelDialogProps {
  opened: boolean;
  close: () => void;
  path: MessagePath;
  report: Report;
}

/** Says what can still be stopped, and afterwards what was. */
export function CancelDialog({ opened, close, path, report }: CancelDialogProps) {
  const queries = useQueryClient();
  const cancelling = useMutation({
    mutationFn: () =>
      bodyOf(
        api.DELETE('/imfpush/v1/apps/{applicationId}/messages/{messageId}', {
          params: { path, query: { counts: 'true' } },
        }),
      ),
    onSuccess: async (counts) => {
      close();
      if (counts) {
        const { stopped, gone, unknown } = counts;
        notifications.show({ message: texts.message.cancelled(stopped, gone, unknown), autoClose: 10_000 });
      }
      await readAgain(queries, path);
    },
  });
  return (
    <Modal
      opened={opened}
      onClose={close}
      title={texts.message.cancelTitle}
      closeButtonProps={{ 'aria-label': texts.close }}
    >
      <Text>{texts.message.cancelWhat(report.outcomes.pending)}</Text>
      {cancelling.error && (
        <Alert color="red" role="alert" mt="sm">
          {describeFailure(cancelling.error)}
        </Alert>
      )}
      <Group justify="flex-end" mt="md">
        <Button variant="default" onClick={close}>
          {texts.message.keep}
        </Button>
        <Button color="red" loading={cancelling.isPending} onClick={() => cancelling.mutate()}>
          {texts.message.cancelDo}
        </Button>
      </Group>
    </Modal>
  );
}
