import { Badge } from '@mantine/core';
import type { components } from '../api/schema';
import { texts } from '../texts/texts';

export type MessageStateName = components['schemas']['MessageAnswer']['state'];

const COLOURS: Partial<Record<MessageStateName, string>> = {
  awaitingApproval: 'orange',
  sending: 'blue',
  expanding: 'blue',
  accepted: 'blue',
  scheduled: 'grape',
  paused: 'orange',
  finished: 'teal',
};

/** A state that is unknown to this release is shown by the API's own word. */
export function MessageState({ state }: { state: MessageStateName }) {
  const names: Partial<Record<string, string>> = texts.messageStates satisfies Record<MessageStateName, string>;
  return (
    <Badge variant="dot" color={COLOURS[state] ?? 'gray'} radius="sm" tt="none" data-state={state}>
      {names[state] ?? state}
    </Badge>
  );
}

const ENDED = new Set<MessageStateName>(['finished', 'cancelled', 'expired']);

/** Nothing is sent any more and every outcome is known. */
export function hasEnded({
  state,
  outcomes,
}: Pick<components['schemas']['MessageAnswer'], 'state' | 'outcomes'>): boolean {
  return ENDED.has(state) && outcomes.pending === 0 && outcomes.inFlight === 0;
}
