import { Alert } from '@mantine/core';
import { timeText, ZONE } from '../../parts/format';
import { texts } from '../../texts/texts';
import { clockChange } from './draft';

/** Said of a time of sending that a clock change skips or repeats in the viewer's zone. */
export function ClockNote({ sendAt }: { sendAt: string }) {
  const change = clockChange(sendAt);
  if (change === null) return null;
  return (
    <Alert color="orange" role="status" mt="xs">
      {texts.send[change](ZONE, timeText(new Date(sendAt).getTime()))}
    </Alert>
  );
}
