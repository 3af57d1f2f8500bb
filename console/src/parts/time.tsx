import { Text, Tooltip } from '@mantine/core';
import { agoText, timeText } from './format';

/** "3 minutes ago"; the whole time with its zone on focus and hover, and for a screen reader. */
export function Ago({ time }: { time: string }) {
  return (
    <Tooltip label={timeText(time)} events={{ hover: true, focus: true, touch: true }}>
      <Text component="time" dateTime={time} inherit aria-label={`${agoText(time)}, ${timeText(time)}`} span>
        {agoText(time)}
      </Text>
    </Tooltip>
  );
}

/** The time with its zone. */
export function Time({ time }: { time: string }) {
  return <time dateTime={time}>{timeText(time)}</time>;
}
