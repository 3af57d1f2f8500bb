import { Alert } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { api, bodyOf } from '../../api/client';
import { reading } from '../../api/read';
import { numberText } from '../../parts/format';
import { useMay } from '../../parts/scoped';
import { texts } from '../../texts/texts';

/** Shown if a message to this many devices will wait for approval and the session may read the application. */
export function ApprovalNote({ applicationId, total }: { applicationId: string; total: number }) {
  const may = useMay('apps.read', applicationId);
  const { data } = useQuery({
    ...reading(['application-status', applicationId], (options) =>
      bodyOf(api.GET('/imfpush/v1/apps/{applicationId}/status', { params: { path: { applicationId } }, ...options })),
    ),
    enabled: may,
  });
  const above = data?.approval?.above;
  if (above === undefined || total <= above) return null;
  return <Alert color="blue">{texts.send.plan.approval(numberText(above))}</Alert>;
}
