import { Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { api, bodyOf } from '../../api/client';
import { CALM_MS, reading } from '../../api/read';
import { timeText } from '../../parts/format';
import { Panel } from '../../parts/panel';
import { WithData } from '../../parts/states';
import { Ago } from '../../parts/time';
import { texts } from '../../texts/texts';

const SHOWN = 10;

/** The next firing of each active campaign, the earliest first. */
export function Firings({ application }: { application: string }) {
  const query = useQuery(
    reading(
      ['firings', application],
      (options) =>
        bodyOf(
          api.GET('/imfpush/v1/apps/{applicationId}/campaigns', {
            params: { path: { applicationId: application }, query: { limit: 100 } },
            ...options,
          }),
        ),
      CALM_MS,
    ),
  );
  return (
    <Panel title={texts.overview.firings}>
      <WithData query={query}>
        {({ campaigns }) => {
          const next = campaigns
            .flatMap(({ campaignId, name, state, nextTime }) =>
              state === 'active' && nextTime !== undefined ? [{ campaignId, name, nextTime }] : [],
            )
            .toSorted((a, b) => Date.parse(a.nextTime) - Date.parse(b.nextTime))
            .slice(0, SHOWN);
          if (next.length === 0) return <Text c="dimmed">{texts.overview.noFirings}</Text>;
          return (
            <Stack gap="xs">
              {next.map(({ campaignId, name, nextTime }) => (
                <div key={campaignId}>
                  <Text fw={600} truncate>
                    {name}
                  </Text>
                  <Text size="sm" className="figures">
                    {timeText(nextTime)} · <Ago time={nextTime} />
                  </Text>
                </div>
              ))}
            </Stack>
          );
        }}
      </WithData>
    </Panel>
  );
}
