import { List, Stack, Text } from '@mantine/core';
import type { components } from '../../api/schema';
import { bindingText } from '../../parts/binding';
import { firingNotes } from '../../parts/firing-notes';
import { ZONE, numberText, timeText } from '../../parts/format';
import { excludedText } from '../../parts/reasons';
import { Time } from '../../parts/time';
import { texts } from '../../texts/texts';

interface FiringListProps {
  preview: components['schemas']['PreviewAnswer'];
  /** Of the schedule. */
  zone: string | undefined;
}

/** The current audience of a campaign, and its next firings by its own clock and by the viewer's. */
export function FiringList({ preview: { firings, audience, exact, exclusions }, zone = 'UTC' }: FiringListProps) {
  const words = texts.campaigns;
  return (
    <Stack gap="xs">
      <Text size="sm">
        {exact ? words.reaches(audience, numberText(audience)) : texts.audience.reachesAbout(audience)}
      </Text>
      {exclusions.map((exclusion) => (
        <Text size="sm" c="dimmed" key={exclusion.reason}>
          {words.excluded(numberText(exclusion.count), excludedText(exclusion))}
        </Text>
      ))}
      <List size="sm" spacing={4}>
        {firings.map(({ time, localTime, notes, waves = 1, lastTime = time, finishTime, binding }) => (
          <List.Item key={time} data-firing={time}>
            {zone === 'recipient' ? (
              <>
                {localTime.replace('T', ' ')}, {words.recipientsTime}
              </>
            ) : (
              <>
                {timeText(time, zone)}, {zone}
              </>
            )}
            {zone !== ZONE && (
              <Text size="xs" c="dimmed">
                <Time time={time} />, {ZONE}
              </Text>
            )}
            {waves > 1 && <Text size="xs">{words.waves(waves, timeText(time), timeText(lastTime))}</Text>}
            {Date.parse(finishTime) > Date.parse(lastTime) && (
              <Text size="xs">
                {words.finishes(timeText(finishTime))} · {bindingText(binding)}
              </Text>
            )}
            {firingNotes({ localTime, waves, notes }, zone).map((note) => (
              <Text size="xs" fw={500} key={note}>
                {note}
              </Text>
            ))}
          </List.Item>
        ))}
      </List>
      {firings.length === 0 && <Text size="sm">{words.firesNoMore}</Text>}
    </Stack>
  );
}
