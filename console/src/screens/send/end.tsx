import { Text } from '@mantine/core';
import type { components } from '../../api/schema';
import { rateText } from '../../parts/format';
import { Time } from '../../parts/time';
import { waitingText } from '../../parts/waiting';
import { texts } from '../../texts/texts';

type Estimate = components['schemas']['EstimateAnswer'];

/** The estimated end of the message, and the cause that decides the end. */
export function End({ estimate: { finishTime, binding, ahead } }: { estimate: Estimate }) {
  const words = texts.send.plan.estimate;
  return (
    <Text size="sm" data-estimate>
      {finishTime === undefined ? (
        words.unknown
      ) : (
        <>
          {words.end}: <Time time={finishTime} />
        </>
      )}
      {' · '}
      {bindingText(binding)}
      {ahead > 0 && ` · ${words.ahead(ahead)}`}
    </Text>
  );
}

function bindingText({ kind, act, ...binding }: Estimate['binding']): string {
  const words = texts.send.plan.estimate;
  if (kind === 'person') return act === 'approval' ? words.approval : words.stopped;
  if (kind === 'time') return words.time;
  if (kind === 'speed') return words.speed(binding.provider ?? '', rateText(binding.perSecond ?? 0));
  // A rule of campaigns, which a message does not have.
  return kind === 'spread' ? '' : waitingText({ kind, ...binding });
}
