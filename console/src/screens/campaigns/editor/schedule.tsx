import {
  ActionIcon,
  Button,
  Checkbox,
  Group,
  Select,
  SimpleGrid,
  Stack,
  TagsInput,
  Text,
  TextInput,
} from '@mantine/core';
import { IconPlus, IconTrash } from '@tabler/icons-react';
import { useState } from 'react';
import type { components } from '../../../api/schema';
import { scheduleWords } from '../../../parts/schedule-words';
import { texts } from '../../../texts/texts';
import { zonesWith } from '../zones';
import { REPEATS, WEEKDAYS, cronOf, patternOf } from './cron-pattern';
import type { Pattern } from './cron-pattern';
import type { Form } from './form';
import { NumberField } from './number-field';

type ScheduleData = components['schemas']['ScheduleDto'];

const RECIPIENT = 'recipient';
/** Of a repeat that is chosen after another form. */
const FIRST: Pattern = { repeat: 'daily', time: '09:00', weekdays: ['MON'], dayOfMonth: '1' };

/** When the campaign fires: a repeat, a list of times, or an expression. Times are those of the schedule's zone. */
export function Schedule({ form }: { form: Form }) {
  const words = texts.editor;
  const { schedule } = form.definition;
  const pattern = schedule.cron === undefined ? null : patternOf(schedule.cron);
  const [isOwn, setOwn] = useState(pattern === null);
  // The form that is left is kept, so that a look at another one loses nothing.
  const [left, setLeft] = useState<Pick<ScheduleData, 'cron' | 'at'>>({});
  const kind = schedule.at ? 'times' : pattern && !isOwn ? pattern.repeat : 'own';
  const set = (members: Partial<ScheduleData>): void => form.set(['schedule'], { ...schedule, ...members });
  const choose = (next: string | null): void => {
    const { cron, at, ...rest } = schedule;
    const known = { ...left, ...(cron !== undefined && { cron }), ...(at && { at }) };
    setLeft(known);
    setOwn(next === 'own');
    const old = known.cron ?? cronOf(FIRST);
    if (next === 'times') form.set(['schedule'], { at: known.at ?? [''], ...rest });
    else if (next === 'own') form.set(['schedule'], { cron: old, ...rest });
    else
      form.set(['schedule'], {
        cron: cronOf({ ...FIRST, ...patternOf(old), repeat: next as Pattern['repeat'] }),
        ...rest,
      });
  };
  return (
    <Stack gap="sm">
      <SimpleGrid cols={{ base: 1, sm: 2 }}>
        <Select
          label={words.repeat}
          data={[...REPEATS, 'times' as const, 'own' as const].map((value) => ({ value, label: words.repeats[value] }))}
          value={kind}
          onChange={choose}
          allowDeselect={false}
        />
        <Select
          label={texts.campaigns.zone}
          data={[
            { value: RECIPIENT, label: texts.campaigns.recipientsTime },
            ...zonesWith(zoneOf(schedule)).filter((zone) => zone !== RECIPIENT),
          ]}
          value={zoneOf(schedule)}
          onChange={(timeZone) => {
            const { defaultTimeZone: _old, ...rest } = schedule;
            form.set(['schedule'], { ...rest, timeZone: timeZone ?? undefined });
          }}
          allowDeselect={false}
          searchable
          limit={100}
        />
      </SimpleGrid>
      {schedule.at && <Times at={schedule.at} onChange={(at) => set({ at })} />}
      {!schedule.at && pattern && !isOwn && (
        <Repeats pattern={pattern} onChange={(next) => set({ cron: cronOf(next) })} />
      )}
      {kind === 'own' && (
        <TextInput
          label={words.cron}
          description={words.cronHint}
          value={schedule.cron ?? ''}
          onChange={(event) => set({ cron: event.currentTarget.value })}
        />
      )}
      {zoneOf(schedule) === RECIPIENT && (
        <Select
          label={words.defaultZone}
          data={zonesWith(schedule.defaultTimeZone ?? 'UTC')}
          value={schedule.defaultTimeZone ?? 'UTC'}
          onChange={(defaultTimeZone) => set({ defaultTimeZone: defaultTimeZone ?? undefined })}
          allowDeselect={false}
          searchable
          limit={100}
        />
      )}
      <Text fw={500} aria-live="polite">
        {scheduleWords(schedule)}
      </Text>
      <SimpleGrid cols={{ base: 1, sm: 2 }}>
        {(['start', 'end'] as const).map((member) => (
          <Moment
            key={member}
            type="date"
            label={words[member]}
            value={schedule[member] ?? ''}
            onChange={(value) => form.set(['schedule', member], value || undefined)}
          />
        ))}
        <TagsInput
          label={words.exclude}
          description={words.excludeHint}
          splitChars={[',', ';', ' ', '\n']}
          value={schedule.exclude ?? []}
          onChange={(days) => form.set(['schedule', 'exclude'], days.length > 0 ? days : undefined)}
        />
        <NumberField
          form={form}
          path={['schedule', 'jitterSeconds']}
          label={words.jitter}
          description={words.jitterHint}
        />
      </SimpleGrid>
    </Stack>
  );
}

function zoneOf({ timeZone = 'UTC' }: ScheduleData): string {
  return timeZone;
}

function Repeats({ pattern, onChange }: { pattern: Pattern; onChange: (next: Pattern) => void }) {
  const words = texts.editor;
  const { repeat, time, weekdays, dayOfMonth } = pattern;
  return (
    <Group align="flex-end">
      {repeat === 'weekly' && (
        <Checkbox.Group
          label={words.weekdays}
          value={weekdays}
          onChange={(next) => next.length > 0 && onChange({ ...pattern, weekdays: next })}
        >
          <Group gap="sm" mt={6}>
            {WEEKDAYS.map((day, index) => (
              <Checkbox key={day} value={day} label={words.weekday(index)} />
            ))}
          </Group>
        </Checkbox.Group>
      )}
      {repeat === 'monthly' && (
        <Select
          label={words.dayOfMonth}
          data={Array.from({ length: 31 }, (_, day) => String(day + 1))}
          value={dayOfMonth}
          onChange={(day) => day && onChange({ ...pattern, dayOfMonth: day })}
          allowDeselect={false}
          w={120}
        />
      )}
      <TextInput
        type="time"
        label={words.time}
        value={time}
        onChange={(event) => event.currentTarget.value && onChange({ ...pattern, time: event.currentTarget.value })}
        w={140}
      />
    </Group>
  );
}

function Times({ at, onChange }: { at: readonly string[]; onChange: (next: string[]) => void }) {
  const words = texts.editor;
  return (
    <Stack gap="xs" role="group" aria-label={words.repeats.times}>
      {at.map((time, index) => (
        // The rows have no names but their places.
        // oxlint-disable-next-line react/no-array-index-key
        <Group key={index} gap="xs" align="flex-end" wrap="nowrap">
          <Moment
            type="datetime-local"
            label={words.moment(index + 1)}
            value={time}
            onChange={(next) => onChange(at.with(index, next))}
          />
          {at.length > 1 && (
            <ActionIcon
              variant="default"
              size={36}
              aria-label={words.removeMoment(index + 1)}
              onClick={() => onChange(at.toSpliced(index, 1))}
            >
              <IconTrash size={16} />
            </ActionIcon>
          )}
        </Group>
      ))}
      <div>
        <Button
          size="xs"
          variant="default"
          leftSection={<IconPlus size={14} aria-hidden />}
          onClick={() => onChange([...at, ''])}
        >
          {words.addMoment}
        </Button>
      </div>
    </Stack>
  );
}

const LOCAL = { date: /^(\d{4}-\d\d-\d\d)?$/, 'datetime-local': /^(\d{4}-\d\d-\d\dT\d\d:\d\d(:00)?)?$/ };

interface MomentProps {
  type: keyof typeof LOCAL;
  label: string;
  value: string;
  onChange: (next: string) => void;
}

/** A local time as the API has it. One with seconds or an offset is a text, so that it stays as it was written. */
function Moment({ type, label, value, onChange }: MomentProps) {
  return (
    <TextInput
      type={LOCAL[type].test(value) ? type : 'text'}
      label={label}
      value={value}
      max={type === 'date' ? '9999-12-27' : '9999-12-27T23:59'}
      onChange={(event) => onChange(event.currentTarget.value)}
    />
  );
}
