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

const ONE = '/imfpush/v1/apps/{applicationId}/messages/{messageId}';
const HOLDING = ['messages.control', 'messages.write'];

/** Approve and reject, pause and resume, cancel, and resend of chosen outcomes. */
export function Controls({ path, report }: { path: MessagePath; report: Report }) {
  const queries = useQueryClient();
  const [cancelling, cancel] = useDisclosure(false);
  const [resending, resend] = useDisclosure(false);
  const isOver = hasEnded(report);
  const awaits = report.state === 'awaitingApproval';
  const isPaused = report.state === 'paused';
  const acting = useMutation({
    mutationFn: (act: 'approve' | 'pause' | 'resume') => bodyOf(api.POST(`${ONE}/${act}`, { params: { path } })),
    onSettled: () => readAgain(queries, path),
    onError: (error) => notifications.show({ message: describeFailure(error), color: 'red' }),
  });
  const common = { needs: HOLDING, applicationId: path.applicationId, variant: 'default', size: 'xs' } as const;
  return (
    <>
      {awaits && (
        <ScopedButton
          {...common}
          needs="messages.approve"
          variant="filled"
          loading={acting.isPending}
          onClick={() => acting.mutate('approve')}
        >
          {texts.message.approve}
        </ScopedButton>
      )}
      {!isOver && !awaits && (
        <ScopedButton
          {...common}
          loading={acting.isPending}
          onClick={() => acting.mutate(isPaused ? 'resume' : 'pause')}
        >
          {isPaused ? texts.message.resume : texts.message.pause}
        </ScopedButton>
      )}
      {!isOver && (
        <ScopedButton {...common} onClick={cancel.open}>
          {awaits ? texts.message.reject : texts.message.cancel}
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
