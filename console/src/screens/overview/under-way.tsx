import { Group, Progress, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { serverNow } from '../../api/clock';
import { api, bodyOf } from '../../api/client';
import { LIVE_MS, reading } from '../../api/read';
import type { Reading } from '../../api/read';
import type { components } from '../../api/schema';
import { durationText, numberText, percentText, rateText } from '../../parts/format';
import { ScreenLink } from '../../parts/link';
import { MessageState } from '../../parts/message-state';
import { Panel } from '../../parts/panel';
import { useMay } from '../../parts/scoped';
import { WithData } from '../../parts/states';
import { waitingText } from '../../parts/waiting';
import { texts } from '../../texts/texts';

/** Messages that are read whole, with their rate and what holds them up; further ones are in the list. */
const SHOWN = 5;
const OPEN = ['sending', 'paused', 'expanding'] as const;

type Report = components['schemas']['FullMessageAnswer'] & { applicationId: string };
type Place = Pick<Report, 'applicationId' | 'messageId'>;

async function findOf(applicationId: string, options: Reading): Promise<Place[]> {
  const pages = await Promise.all(
    OPEN.map((state) =>
      bodyOf(
        api.GET('/imfpush/v1/apps/{applicationId}/messages', {
          params: { path: { applicationId }, query: { state, size: SHOWN } },
          ...options,
        }),
      ),
    ),
  );
  const ids = new Set(pages.flatMap(({ messages }) => messages.map(({ messageId }) => messageId)));
  return [...ids].map((messageId) => ({ applicationId, messageId }));
}

async function findOfAll(options: Reading): Promise<Place[]> {
  return (await bodyOf(api.GET('/imfpush/v1/messages', options))).messages;
}

async function readUnderWay(application: string | null, options: Reading): Promise<Report[]> {
  const places = await (application === null ? findOfAll(options) : findOf(application, options));
  return Promise.all(
    places.slice(0, SHOWN).map(async ({ applicationId, messageId }) => ({
      applicationId,
      ...(await bodyOf(
        api.GET('/imfpush/v1/apps/{applicationId}/messages/{messageId}', {
          params: { path: { applicationId, messageId } },
          ...options,
        }),
      )),
    })),
  );
}

/** Messages that are being sent now, of one application or of all: progress, rate, time left and what binds each. */
export function UnderWay({ application }: { application: string | null }) {
  const mayAll = useMay('messages.read', '*');
  const query = useQuery({
    ...reading(['under-way', application], (options) => readUnderWay(application, options), 2 * LIVE_MS),
    enabled: application !== null || mayAll,
  });
  // Support may see one application and not all: the rest of the screen is there for it.
  if (application === null && !mayAll) return null;
  return (
    <Panel title={texts.overview.underWay}>
      <WithData query={query}>
        {(reports) =>
          reports.length === 0 ? (
            <Text c="dimmed">{texts.overview.nothingUnderWay}</Text>
          ) : (
            <Stack>
              {reports.map((report) => (
                <Entry key={report.messageId} report={report} isOfAll={application === null} />
              ))}
            </Stack>
          )
        }
      </WithData>
    </Panel>
  );
}

function Entry({ report, isOfAll }: { report: Report; isOfAll: boolean }) {
  const { applicationId, messageId, alert, state, audience, outcomes, rate, etaTime, waitingFor } = report;
  const settled = audience - outcomes.pending - outcomes.inFlight;
  const left = etaTime === undefined ? 0 : (Date.parse(etaTime) - serverNow()) / 1_000;
  return (
    <div>
      <Group justify="space-between" wrap="nowrap">
        <ScreenLink to="/apps/$app/messages/$message" params={{ app: applicationId, message: messageId }} lineClamp={1}>
          {alert || messageId}
        </ScreenLink>
        <MessageState state={state} />
      </Group>
      <Progress value={audience === 0 ? 0 : (settled / audience) * 100} my={4} aria-label={texts.message.progress} />
      <Text size="sm" className="figures">
        {[
          isOfAll && applicationId,
          texts.overview.settledOf(numberText(settled), numberText(audience)),
          percentText(settled, audience),
          rate !== undefined && texts.message.rate(rateText(rate)),
          left > 0 && texts.message.left(durationText(left)),
        ]
          .filter(Boolean)
          .join(' · ')}
      </Text>
      {waitingFor && (
        <Text size="sm" fw={600}>
          {waitingText(waitingFor)}
        </Text>
      )}
    </div>
  );
}
