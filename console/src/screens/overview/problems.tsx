import { Stack } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { api, bodyOf } from '../../api/client';
import { CALM_MS, reading } from '../../api/read';
import { Problem, problemKey } from '../../parts/problem';
import { useMay } from '../../parts/scoped';
import { Failing } from '../../parts/states';
import { texts } from '../../texts/texts';

const systemQuery = reading(['system'], (options) => bodyOf(api.GET('/imfpush/v1/system', options)), CALM_MS);

/** Present problems, each with the next step; nothing is drawn while all is well. */
export function Problems({ application }: { application: string | null }) {
  const may = useMay('mfpmonitor');
  const { data, error } = useQuery({ ...systemQuery, enabled: may });
  // Support may see messages and not the installation: the rest of the screen is there for it.
  if (!may) return null;
  if (error && !data) return <Failing error={error} />;
  const problems = data?.problems.filter(
    (one) => application === null || [null, application].includes(one.application),
  );
  if (!problems || problems.length === 0) return null;
  return (
    <Stack gap="xs" component="section" aria-label={texts.overview.problems}>
      {problems.map((problem) => (
        <Problem key={problemKey(problem)} problem={problem} isOfAll={application === null} />
      ))}
    </Stack>
  );
}
