import { Group, Text, Tooltip } from '@mantine/core';
import { texts } from '../texts/texts';
import { numberText, percentText } from './format';
import { OUTCOMES } from './outcomes';
import type { Outcome, Outcomes } from './outcomes';
import classes from './outcome-bar.module.css';

/** The shares of the eight outcomes; the text says the same, because colour is never the only sign. */
export function OutcomeBar({ outcomes, audience }: { outcomes: Outcomes; audience: number }) {
  const parts = OUTCOMES.map((outcome) => ({ outcome, count: outcomes[outcome] ?? 0 })).filter(
    ({ count }) => count > 0,
  );
  const label = parts.map(({ outcome, count }) => `${texts.outcomes[outcome]} ${numberText(count)}`).join(', ');
  return (
    <Tooltip label={label || texts.outcomes.none} multiline maw={320}>
      <div className={classes.bar} role="img" aria-label={label || texts.outcomes.none}>
        {parts.map(({ outcome, count }) => (
          <div
            key={outcome}
            className={classes.part}
            data-outcome={outcome}
            style={{ flexGrow: Math.max(count, audience / 100) }}
          />
        ))}
      </div>
    </Tooltip>
  );
}

interface OutcomeLegendProps {
  outcomes: Outcomes;
  audience: number;
  /** All eight by default. */
  shown?: readonly Outcome[];
}

/** Outcomes with their numbers and shares: a colour, a name and a figure each. */
export function OutcomeLegend({ outcomes, audience, shown = OUTCOMES }: OutcomeLegendProps) {
  return (
    <dl className={`${classes.legend} figures`}>
      {shown.map((outcome) => (
        <div key={outcome} className={classes.entry}>
          <dt>
            <Group gap={6} wrap="nowrap">
              <span className={classes.sign} data-outcome={outcome} aria-hidden />
              <Text size="sm" span>
                {texts.outcomes[outcome]}
              </Text>
            </Group>
          </dt>
          <dd data-count={outcome}>
            <Text fw={600} span>
              {numberText(outcomes[outcome] ?? 0)}
            </Text>{' '}
            <Text c="dimmed" size="sm" span>
              {percentText(outcomes[outcome] ?? 0, audience)}
            </Text>
          </dd>
        </div>
      ))}
    </dl>
  );
}
