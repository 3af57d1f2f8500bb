import { Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { api, bodyOf } from '../../api/client';
import { Act, Dialog } from '../../parts/dialog';
import { texts } from '../../texts/texts';
import { readAgain } from './queries';
import type { MessagePath, Report } from './queries';

interface CancelDialogProps {
  close: () => void;
  path: MessagePath;
  report: Report;
}

/** Says what can still be stopped, and afterwards what was. */
export function CancelDialog({ close, path, report }: CancelDialogProps) {
  const queries = useQueryClient();
  const words = texts.message;
  const awaits = report.state === 'awaitingApproval';
  const cancelling = useMutation({
    mutationFn: () =>
      bodyOf(
        api.DELETE('/imfpush/v1/apps/{applicationId}/messages/{messageId}', {
          params: { path, query: { counts: 'true' } },
        }),
      ),
    onSuccess: async (counts) => {
      close();
      if (counts && !awaits) {
        const { stopped, gone, unknown } = counts;
        notifications.show({ message: words.cancelled(stopped, gone, unknown), autoClose: 10_000 });
      }
      await readAgain(queries, path);
    },
  });
  return (
    <Dialog title={awaits ? words.rejectTitle : words.cancelTitle} close={close}>
      <Act
        close={close}
        keep={awaits ? words.keepWaiting : words.keep}
        of={cancelling}
        act={() => cancelling.mutate()}
        label={awaits ? words.reject : words.cancelDo}
        color="red"
      >
        <Text>{awaits ? words.rejectWhat : words.cancelWhat(report.outcomes.pending)}</Text>
      </Act>
    </Dialog>
  );
}
