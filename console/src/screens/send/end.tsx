import { Text } from '@mantine/core';
import type { components } from '../../api/schema';
import { bindingText } from '../../parts/binding';
import { Time } from '../../parts/time';
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
