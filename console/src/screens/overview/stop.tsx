import { Text } from '@mantine/core';
import { skipToken, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api, bodyOf } from '../../api/client';
import { CALM_MS, reading } from '../../api/read';
import { Act, Dialog } from '../../parts/dialog';
import { ScopedButton, useMay } from '../../parts/scoped';
import { texts } from '../../texts/texts';

const NEEDS = 'apps.write';
const PATH = '/imfpush/v1/apps/{applicationId}';

/** Stops an application, and lifts its stop, each after a question. */
export function Stop({ application }: { application: string }) {
  const words = texts.overview.stop;
  const queries = useQueryClient();
  const may = useMay('apps.read', application);
  const [asked, setAsked] = useState(false);
  const params = { path: { applicationId: application } };
  const query = reading(
    ['application', application],
    (options) => bodyOf(api.GET(PATH, { params, ...options })),
    CALM_MS,
  );
  const { data } = useQuery(may ? query : { ...query, queryFn: skipToken });
  const isStopped = data?.stopped !== undefined;
  const act = useMutation({
    mutationFn: () => bodyOf(isStopped ? api.DELETE(`${PATH}/stop`, { params }) : api.POST(`${PATH}/stop`, { params })),
    onSuccess: async (changed) => {
      queries.setQueryData(query.queryKey, changed);
      setAsked(false);
      await queries.invalidateQueries();
    },
  });
  const label = isStopped ? words.lift : words.stop;
  return (
    <>
      <ScopedButton
        needs={NEEDS}
        applicationId={application}
        variant="default"
        onClick={() => {
          act.reset();
          setAsked(true);
        }}
      >
        {`${label} …`}
      </ScopedButton>
      {asked && (
        <Dialog title={`${label}: ${application}`} close={() => setAsked(false)}>
          <Act
            close={() => setAsked(false)}
            of={act}
            act={() => act.mutate()}
            label={label}
            color={isStopped ? undefined : 'red'}
          >
            <Text>{isStopped ? words.liftWhat : words.stopWhat}</Text>
          </Act>
        </Dialog>
      )}
    </>
  );
}
