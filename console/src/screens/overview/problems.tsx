import { Alert, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { api, bodyOf } from '../../api/client';
import { CALM_MS, reading } from '../../api/read';
import { useMay } from '../../parts/scoped';
import { Failing } from '../../parts/states';
import { Ago } from '../../parts/time';
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
      {problems.map(({ code, message, since, application: of, provider, next }) => (
        <Alert key={[code, of, provider].join(' ')} color="red" title={message} role="note">
          <Text size="sm">{next}</Text>
          <Text size="xs" c="dimmed">
            {[code, application === null && of, provider].filter(Boolean).join(' · ')}
            {since && ' · '}
            {since && <Ago time={since} />}
          </Text>
        </Alert>
      ))}
    </Stack>
  );
}
