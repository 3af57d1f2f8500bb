import { Alert, Code, Text } from '@mantine/core';
import { texts } from '../../texts/texts';
import type { TestResult } from './read-providers';

const COLOURS = { accepted: 'green', refused: 'red', unavailable: 'orange' } as const;

/** The provider's words about credentials, and the next step. */
export function TestOutcome({ outcome: { result, reason, next } }: { outcome: TestResult }) {
  return (
    <Alert color={COLOURS[result]} role="status" title={texts.providers.outcomes[result]}>
      {reason && <Code style={{ overflowWrap: 'anywhere', whiteSpace: 'pre-wrap' }}>{reason}</Code>}
      {next && <Text size="sm">{next}</Text>}
    </Alert>
  );
}
