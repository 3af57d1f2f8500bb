import { Badge } from '@mantine/core';
import { texts } from '../../texts/texts';
import type { Campaign } from './read-campaigns';

const COLOURS: Record<Campaign['state'], string> = {
  draft: 'gray',
  awaitingApproval: 'yellow',
  active: 'green',
  paused: 'orange',
  finished: 'blue',
};

export function CampaignState({ state }: { state: Campaign['state'] }) {
  return (
    <Badge variant="outline" color={COLOURS[state]} tt="none" radius="sm" data-state={state} styles={{ label: INK }}>
      {texts.campaigns.states[state]}
    </Badge>
  );
}

/** The word has the contrast of text; the border has the colour. */
const INK = { color: 'var(--mantine-color-text)' };
