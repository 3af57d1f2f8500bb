import { Badge } from '@mantine/core';
import { texts } from '../texts/texts';

export const MESSAGE_STATES = [
  'scheduled',
  'accepted',
  'expanding',
  'sending',
  'paused',
  'finished',
  'cancelled',
  'expired',
] as const;
export type MessageStateName = (typeof MESSAGE_STATES)[number];

const COLOURS: Partial<Record<string, string>> = {
  sending: 'blue',
  expanding: 'blue',
  accepted: 'blue',
  scheduled: 'grape',
  paused: 'orange',
  finished: 'teal',
};

/** A state that is unknown to this release is shown by the API's own word. */
export function MessageState({ state }: { state: string }) {
  const names: Partial<Record<string, string>> = texts.messageStates;
  return (
    <Badge variant="dot" color={COLOURS[state] ?? 'gray'} radius="sm" tt="none" data-state={state}>
      {names[state] ?? state}
    </Badge>
  );
}

const ENDED = new Set(['finished', 'cancelled', 'expired']);

/** Nothing is sent any more and every outcome is known. */
export function hasEnded({ state, outcomes }: { state: string; outcomes: Readonly<Record<string, number>> }): boolean {
  return ENDED.has(state) && (outcomes.pending ?? 0) === 0 && (outcomes.inFlight ?? 0) === 0;
}
