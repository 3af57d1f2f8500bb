import { Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { serverNow } from '../../api/clock';
import { api, bodyOf } from '../../api/client';
import { CALM_MS, reading } from '../../api/read';
import type { Reading } from '../../api/read';
import { firingNotes } from '../../parts/firing-notes';
import { timeText } from '../../parts/format';
import { ScreenLink } from '../../parts/link';
import { Panel } from '../../parts/panel';
import { useMay } from '../../parts/scoped';
import { WithData } from '../../parts/states';
import { Ago } from '../../parts/time';
import { UnreadableCampaigns } from '../../parts/unreadable-campaigns';
import { texts } from '../../texts/texts';

const SHOWN = 10;
const DAY_MS = 86_400_000;
/** Looked at one after the other until ten firings are known: a campaign may fire each minute, or once a year. */
const SPANS_MS = [DAY_MS, 31 * DAY_MS, 366 * DAY_MS];

async function readFirings(applicationId: string, options: Reading) {
  const now = serverNow();
  const read = async (spanMs: number) => {
    const query = { from: new Date(now).toISOString(), to: new Date(now + spanMs).toISOString() };
    const params = { path: { applicationId }, query };
    return bodyOf(api.GET('/imfpush/v1/apps/{applicationId}/campaigns:firings', { params, ...options }));
  };
  const [day = 0, ...longer] = SPANS_MS;
  let found = await read(day);
  for (const spanMs of longer) if (found.firings.length < SHOWN) found = await read(spanMs);
  return found;
}

async function readNext(application: string | null, options: Reading) {
  if (application === null) return bodyOf(api.GET('/imfpush/v1/campaigns:firings', options));
  const { firings, unreadable } = await readFirings(application, options);
  return {
    firings: firings.slice(0, SHOWN).map((firing) => ({ ...firing, applicationId: application })),
    unreadable: unreadable.map((campaign) => ({ ...campaign, applicationId: application })),
  };
}

/** The next ten firings of an application or of all, with their notes about clock changes and quiet hours. */
export function Firings({ application }: { application: string | null }) {
  const mayAll = useMay('campaigns.read', '*');
  const query = useQuery({
    ...reading(['firings', application], (options) => readNext(application, options), CALM_MS),
    enabled: application !== null || mayAll,
  });
  // Support may see one application and not all: the rest of the screen is there for it.
  if (application === null && !mayAll) return null;
  return (
    <Panel title={texts.overview.firings}>
      <WithData query={query}>
        {({ firings, unreadable }) =>
          firings.length === 0 && unreadable.length === 0 ? (
            <Text c="dimmed">{texts.overview.noFirings}</Text>
          ) : (
            <Stack gap="xs">
              <UnreadableCampaigns campaigns={unreadable} />
              {firings.map(({ applicationId, campaignId, name, time, timeZone, ...firing }) => (
                <div key={`${campaignId} ${time}`}>
                  <ScreenLink
                    to="/apps/$app/campaigns/$campaign"
                    params={{ app: applicationId, campaign: campaignId }}
                    lineClamp={1}
                  >
                    {name}
                  </ScreenLink>
                  <Text size="sm" className="figures">
                    {application === null && `${applicationId} · `}
                    {timeText(time)} · <Ago time={time} />
                  </Text>
                  {firingNotes(firing, timeZone).map((note) => (
                    <Text key={note} size="xs" c="dimmed">
                      {note}
                    </Text>
                  ))}
                </div>
              ))}
            </Stack>
          )
        }
      </WithData>
    </Panel>
  );
}
