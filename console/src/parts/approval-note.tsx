import { Alert } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { api, bodyOf } from '../api/client';
import { reading } from '../api/read';
import { numberText } from './format';
import { useMay } from './scoped';

interface ApprovalNoteProps {
  applicationId: string;
  /** Number of devices. */
  total: number;
  text: (above: string) => string;
}

/** Shown if what goes to this many devices waits for approval, and the session may read the application. */
export function ApprovalNote({ applicationId, total, text }: ApprovalNoteProps) {
  const may = useMay('apps.read', applicationId);
  const { data } = useQuery({
    ...reading(['application-status', applicationId], (options) =>
      bodyOf(api.GET('/imfpush/v1/apps/{applicationId}/status', { params: { path: { applicationId } }, ...options })),
    ),
    enabled: may,
  });
  const above = data?.approval?.above;
  if (above === undefined || total <= above) return null;
  return (
    <Alert color="blue" mb="sm">
      {text(numberText(above))}
    </Alert>
  );
}
