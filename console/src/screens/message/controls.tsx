import { useDisclosure } from '@mantine/hooks';
import { notifications } from '@mantine/notifications';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { api, bodyOf } from '../../api/client';
import { hasEnded } from '../../parts/message-state';
import { ScopedButton } from '../../parts/scoped';
import { describeFailure } from '../../parts/states';
import { texts } from '../../texts/texts';
import { CancelDialog } from './cancel-dialog';
import { readAgain } from './queries';
import type { MessagePath, Report } from './queries';
import { ResendDialog } from './resend-dialog';

const HOLDING = ['messages.control', 'messages.write'];

/** Pause and resume, cancel, and resend of chosen outcomes. */
export function Controls({ path, report }: { path: MessagePath; report: Report }) {
  const queries = useQueryClient();
  const [cancelling, cancel] = useDisclosure(false);
  const [resending, resend] = useDisclosure(false);
  const isOver = hasEnded(report);
  const isPaused = report.waitingFor?.kind === 'person' || report.state === 'paused';
  const holding = useMutation({
    mutationFn: (act: 'pause' | 'resume') =>
      bodyOf(
        act === 'pause'
          ? api.POST('/imfpush/v1/apps/{applicationId}/messages/{messageId}/pause', { params: { path } })
          : api.POST('/imfpush/v1/apps/{applicationId}/messages/{messageId}/resume', { params: { path } }),
      ),
    onSettled: () => readAgain(queries, path),
    onError: (error) => notifications.show({ message: describeFailure(error), color: 'red' }),
  });
  const common = { needs: HOLDING, applicationId: path.applicationId, variant: 'default', size: 'xs' } as const;
  return (
    <>
      {!isOver && (
        <ScopedButton
          {...common}
          loading={holding.isPending}
          onClick={() => holding.mutate(isPaused ? 'resume' : 'pause')}
        >
          {isPaused ? texts.message.resume : texts.message.pause}
        </ScopedButton>
      )}
      {!isOver && (
        <ScopedButton {...common} onClick={cancel.open}>
          {texts.message.cancel}
        </ScopedButton>
      )}
      {isOver && report.outcomes.accepted < report.audience && (
        <ScopedButton {...common} needs="messages.write" onClick={resend.open}>
          {texts.message.resend}
        </ScopedButton>
      )}
      {cancelling && <CancelDialog close={cancel.close} path={path} report={report} />}
      {resending && <ResendDialog close={resend.close} path={path} report={report} />}
    </>
  );
}
