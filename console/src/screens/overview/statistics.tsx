import { SegmentedControl, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { lazy, Suspense } from 'react';
import { serverNow } from '../../api/clock';
import { api, bodyOf } from '../../api/client';
import { CALM_MS, reading } from '../../api/read';
import type { Reading } from '../../api/read';
import { OutcomeBar, OutcomeLegend } from '../../parts/outcome-bar';
import { OUTCOMES } from '../../parts/outcomes';
import { Panel } from '../../parts/panel';
import { Loading, WithData } from '../../parts/states';
import { texts } from '../../texts/texts';
import { RANGES } from './address';
import type { Range } from './address';

const Chart = lazy(() => import('./chart'));

/** Deliveries are counted when their outcome is recorded. */
const SETTLED = OUTCOMES.filter((outcome) => outcome !== 'pending' && outcome !== 'inFlight');

const HOUR_MS = 3_600_000;
const SPANS = {
  hour: { ms: HOUR_MS, step: 'minute' },
  day: { ms: 24 * HOUR_MS, step: 'hour' },
  month: { ms: 30 * 24 * HOUR_MS, step: 'day' },
} as const;

async function readStatistics(application: string | null, range: Range, options: Reading) {
  const { ms, step } = SPANS[range];
  // By the server's clock: the last hour of a viewer whose clock is wrong would be another one.
  const now = serverNow();
  const query = { from: new Date(now - ms).toISOString(), to: new Date(now).toISOString(), step };
  return application === null
    ? bodyOf(api.GET('/imfpush/v1/stats', { params: { query }, ...options }))
    : bodyOf(
        api.GET('/imfpush/v1/apps/{applicationId}/stats', {
          params: { path: { applicationId: application }, query },
          ...options,
        }),
      );
}

/** Deliveries by outcome over an hour, a day or a month: a picture, and the same in figures. */
export function Statistics({ application }: { application: string | null }) {
  const { range = 'day' }: { range?: Range } = useSearch({ strict: false });
  const navigate = useNavigate();
  const query = useQuery(
    reading(['stats', application, range], (options) => readStatistics(application, range, options), CALM_MS),
  );
  const choose = (next: string): void => {
    const search = { range: next as Range };
    void (application === null
      ? navigate({ to: '/', search })
      : navigate({ to: '/apps/$app', params: { app: application }, search }));
  };
  return (
    <Panel
      title={texts.overview.statistics}
      actions={
        <SegmentedControl
          aria-label={texts.overview.range}
          data={RANGES.map((name) => ({ value: name, label: texts.overview.ranges[name] }))}
          value={range}
          onChange={choose}
          size="xs"
        />
      }
    >
      <WithData query={query}>
        {({ points, step }) => {
          const series = points.map(({ time, outcomes }) => ({ time, outcomes: sumOf(Object.values(outcomes)) }));
          const totals = sumOf(series.map(({ outcomes }) => outcomes));
          const whole = Object.values(totals).reduce((sum, count) => sum + count, 0);
          return (
            <Stack gap="sm">
              {whole === 0 ? (
                <Text c="dimmed">{texts.overview.noDeliveries}</Text>
              ) : (
                <>
                  <Suspense fallback={<Loading lines={6} />}>
                    <Chart series={series} step={step} />
                  </Suspense>
                  <OutcomeBar outcomes={totals} audience={whole} />
                  <OutcomeLegend outcomes={totals} audience={whole} shown={SETTLED} />
                </>
              )}
              <Text size="sm" c="dimmed" className="figures">
                {[
                  texts.overview.acceptedMessages(points.reduce((sum, { accepted }) => sum + accepted, 0)),
                  texts.overview.registrations(points.reduce((sum, { registrations }) => sum + registrations, 0)),
                ].join(' · ')}
              </Text>
            </Stack>
          );
        }}
      </WithData>
    </Panel>
  );
}

/** More deliveries may have left `unknown` than got it in a step: a repeat gave them an outcome. */
function sumOf(parts: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  return Object.fromEntries(
    SETTLED.map((outcome) => [
      outcome,
      Math.max(
        0,
        parts.reduce((sum, part) => sum + (part[outcome] ?? 0), 0),
      ),
    ]),
  );
}
