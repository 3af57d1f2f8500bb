import { useDebouncedValue } from '@mantine/hooks';
import { useQuery } from '@tanstack/react-query';
import { Text } from '@mantine/core';
import { api, bodyOf } from '../../../api/client';
import { ApprovalNote } from '../../../parts/approval-note';
import { Failing, Loading } from '../../../parts/states';
import { texts } from '../../../texts/texts';
import { FiringList } from '../firing-list';
import type { Definition } from './definition';

const PAUSE_MS = 600;
const FIRINGS = 5;

/** Audience and next firings of what is typed, before it is saved. A plan of an older text is never shown. */
export function Plan({ applicationId, definition }: { applicationId: string; definition: Definition | null }) {
  const key = definition && JSON.stringify(definition);
  const [asked] = useDebouncedValue(key, PAUSE_MS);
  const { data, error, refetch } = useQuery({
    queryKey: ['campaign-plan', applicationId, asked],
    queryFn: ({ signal }) =>
      bodyOf(
        api.POST('/imfpush/v1/apps/{applicationId}/campaigns:preview', {
          params: { path: { applicationId }, query: { count: FIRINGS } },
          body: JSON.parse(asked ?? '') as Definition,
          signal,
        }),
      ),
    enabled: asked !== null && asked === key,
    staleTime: 30_000,
    refetchOnWindowFocus: false,
  });
  if (definition === null) return <Text c="dimmed">{texts.editor.noPlan}</Text>;
  if (asked !== key) return <Loading lines={3} />;
  if (error) return <Failing error={error} retry={() => void refetch()} />;
  if (!data) return <Loading lines={3} />;
  return (
    <div data-settled="true">
      <ApprovalNote applicationId={applicationId} total={data.audience} text={texts.editor.approval} />
      <FiringList preview={data} zone={definition.schedule.timeZone} />
    </div>
  );
}
