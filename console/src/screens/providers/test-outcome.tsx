import { Alert, Code, Text } from '@mantine/core';
import { texts } from '../../texts/texts';
import type { Provider, TestResult } from './read-providers';

const COLOURS = { accepted: 'green', refused: 'red', unavailable: 'orange' } as const;

interface TestOutcomeProps {
  provider: Provider;
  outcome: TestResult;
}

/** The provider's words about credentials, and the next step. */
export function TestOutcome({ provider, outcome: { result, reason } }: TestOutcomeProps) {
  const { cures, tryLater } = texts.providers;
  const next = { accepted: undefined, refused: cures[provider], unavailable: tryLater }[result];
  return (
    <Alert color={COLOURS[result]} role="status" title={texts.providers.outcomes[result]}>
      {reason && <Code style={{ overflowWrap: 'anywhere', whiteSpace: 'pre-wrap' }}>{reason}</Code>}
      {next && <Text size="sm">{next}</Text>}
    </Alert>
  );
}
