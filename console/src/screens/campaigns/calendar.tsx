import { ActionIcon, Alert, Badge, Group, List, Select, Stack, Text, Title } from '@mantine/core';
import { IconChevronLeft, IconChevronRight } from '@tabler/icons-react';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useParams, useSearch } from '@tanstack/react-router';
import { serverNow } from '../../api/clock';
import { firingNotes } from '../../parts/firing-notes';
import { ZONE } from '../../parts/format';
import { Page } from '../../parts/page';
import { Empty, WithData } from '../../parts/states';
import { UnreadableCampaigns } from '../../parts/unreadable-campaigns';
import { language } from '../../texts/language';
import { texts } from '../../texts/texts';
import { daysOf, monthOf, shiftMonth, spanOf } from './calendar-days';
import type { CalendarDay } from './calendar-days';
import classes from './calendar.module.css';
import { firingsQuery } from './read-campaigns';
import type { CalendarFiring } from './read-campaigns';
import { SharedUsers } from './shared-users';
import { zonesWith } from './zones';

/** All firings of a month, in a zone of choice. Month and zone stand in the address. */
export function Calendar() {
  const { app } = useParams({ from: '/shell/apps/$app/campaigns/calendar' });
  const search = useSearch({ from: '/shell/apps/$app/campaigns/calendar' });
  const navigate = useNavigate({ from: '/apps/$app/campaigns/calendar' });
  const zone = search.zone ?? ZONE;
  const month = search.month ?? monthOf(serverNow(), zone);
  const { from, to } = spanOf(month);
  const firings = useQuery({ ...firingsQuery(app, from, to), placeholderData: keepPreviousData });
  const show = (change: { month?: string; zone?: string }): void =>
    void navigate({ search: { month, zone, ...change } });
  return (
    <Page title={texts.campaigns.calendar} lead={texts.campaigns.calendarLead}>
      <Group justify="space-between" align="flex-end">
        <Group gap="xs">
          <ActionIcon
            variant="default"
            size="lg"
            aria-label={texts.campaigns.previousMonth}
            onClick={() => show({ month: shiftMonth(month, -1) })}
          >
            <IconChevronLeft size={18} />
          </ActionIcon>
          <ActionIcon
            variant="default"
            size="lg"
            aria-label={texts.campaigns.nextMonth}
            onClick={() => show({ month: shiftMonth(month, 1) })}
          >
            <IconChevronRight size={18} />
          </ActionIcon>
          <Title order={2} size="h3" aria-live="polite">
            {monthText(month)}
          </Title>
        </Group>
        <Select
          label={texts.campaigns.zone}
          description={texts.campaigns.zoneLead}
          data={zonesWith(zone)}
          value={zone}
          onChange={(next) => next && show({ zone: next })}
          allowDeselect={false}
          searchable
          limit={100}
          w={280}
        />
      </Group>
      <WithData query={firings}>
        {({ firings: all, incomplete, unreadable }) => {
          const days = daysOf(month, zone, all);
          const shown = days.flatMap((day) => day.firings.map(({ firing }) => firing));
          return (
            <Stack>
              <Incomplete ids={incomplete} firings={all} />
              <UnreadableCampaigns campaigns={unreadable.map((campaign) => ({ applicationId: app, ...campaign }))} />
              <Month app={app} days={days} zone={zone} />
              {shown.length === 0 && <Empty title={texts.campaigns.noFirings}>{texts.campaigns.noFiringsLead}</Empty>}
              <Notes firings={shown} />
              <SharedUsers app={app} firings={shown} />
            </Stack>
          );
        }}
      </WithData>
    </Page>
  );
}

function Month({ app, days, zone }: { app: string; days: CalendarDay[]; zone: string }) {
  const weeks = Array.from({ length: days.length / 7 }, (_, week) => days.slice(week * 7, week * 7 + 7));
  return (
    // A region that scrolls must be reached by keyboard.
    // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
    <div className={classes.scroll} tabIndex={0} role="region" aria-label={texts.campaigns.calendar}>
      <table className={classes.month}>
        <caption className={classes.caption}>{texts.campaigns.timesIn(zone)}</caption>
        <thead>
          <tr>
            {days.slice(0, 7).map(({ date }) => (
              <th key={date} scope="col">
                {weekday(date)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {weeks.map((week) => (
            <tr key={week[0]?.date}>
              {week.map((day) => (
                <td key={day.date} data-date={day.date} data-other={!day.isInMonth || undefined}>
                  <Day app={app} day={day} />
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** Firings of one campaign beyond this are summed up. */
const SHOWN = 3;

function Day({ app, day: { date, firings, change } }: { app: string; day: CalendarDay }) {
  const campaigns = [...new Set(firings.map(({ firing }) => firing.campaignId))];
  return (
    <>
      <Text size="sm" fw={600} component="time" dateTime={date}>
        {dayText(date)}
      </Text>
      {change !== 0 && (
        <Text size="xs" className={classes.change}>
          {texts.campaigns.clocksChange(change)}
        </Text>
      )}
      <ul className={classes.firings}>
        {campaigns.map((campaignId) => {
          const own = firings.filter(({ firing }) => firing.campaignId === campaignId);
          const first = own[0]?.firing;
          return (
            <li key={campaignId} data-campaign={campaignId}>
              <span className="figures">
                {own
                  .slice(0, SHOWN)
                  .map(({ clock }) => clock)
                  .join(', ')}
                {own.length > SHOWN && ` ${texts.campaigns.andMore(own.length - SHOWN)}`}
              </span>{' '}
              <Link to="/apps/$app/campaigns/$campaign" params={{ app, campaign: campaignId }}>
                {first?.name}
              </Link>
              {first?.timeZone === 'recipient' && (
                <Text size="xs" span>
                  {' '}
                  {texts.campaigns.firstOf(first.waves ?? 1)}
                </Text>
              )}
              {own.some(({ firing }) => hasClockNote(firing)) && (
                <Badge size="xs" color="orange" variant="light" tt="none" c="var(--mantine-color-text)">
                  {texts.campaigns.note}
                </Badge>
              )}
            </li>
          );
        })}
      </ul>
    </>
  );
}

/** In the recipients' time every firing has a note, which is no news. */
function hasClockNote({ timeZone, notes }: CalendarFiring): boolean {
  return timeZone !== 'recipient' && notes.length > 0;
}

function Notes({ firings }: { firings: CalendarFiring[] }) {
  const noted = firings.filter(hasClockNote);
  if (noted.length === 0) return null;
  return (
    <Alert color="orange" title={texts.campaigns.notes}>
      <List size="sm">
        {noted.map(({ campaignId, name, time, timeZone, ...firing }) => (
          <List.Item key={campaignId + time}>
            {name}: {firingNotes(firing, timeZone).join(' ')}
          </List.Item>
        ))}
      </List>
    </Alert>
  );
}

function Incomplete({ ids, firings }: { ids: string[]; firings: CalendarFiring[] }) {
  if (ids.length === 0) return null;
  const names = ids.map((id) => firings.find(({ campaignId }) => campaignId === id)?.name ?? id);
  return <Alert color="gray" title={texts.campaigns.incomplete(names.join(', '))} />;
}

function monthText(month: string): string {
  const format = new Intl.DateTimeFormat(language, { month: 'long', year: 'numeric', timeZone: 'UTC' });
  return format.format(new Date(`${month}-01T00:00:00Z`));
}

function weekday(date: string): string {
  return new Intl.DateTimeFormat(language, { weekday: 'short', timeZone: 'UTC' }).format(new Date(date));
}

function dayText(date: string): string {
  return new Intl.DateTimeFormat(language, { day: 'numeric', month: 'short', timeZone: 'UTC' }).format(new Date(date));
}
