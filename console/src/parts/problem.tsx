import { Alert, Text } from '@mantine/core';
import { serverNow } from '../api/clock';
import type { paths } from '../api/schema';
import { texts } from '../texts/texts';
import { timeText } from './format';
import { pauseText } from './reasons';
import { Ago } from './time';

type System = paths['/imfpush/v1/system']['get']['responses'][200]['content']['application/json'];
type ProblemData = System['problems'][number];

/** Something that is wrong now, and the next step. `isOfAll`: the page is about all applications. */
export function Problem({ problem, isOfAll = true }: { problem: ProblemData; isOfAll?: boolean }) {
  const { code, application, provider, since } = problem;
  const { what, next } = problemWords(problem);
  return (
    <Alert color="red" title={what} role="note">
      <Text size="sm">{next}</Text>
      <Text size="xs" c="dimmed">
        {[code, isOfAll && application, provider].filter(Boolean).join(' · ')}
        {since && ' · '}
        {since && <Ago time={since} />}
      </Text>
    </Alert>
  );
}

/** Of one problem among the others. */
export function problemKey({ code, application, provider, name }: ProblemData): string {
  return [code, application, provider, name].join(' ');
}

function problemWords({ code, message, next, name, reason, endsTime }: ProblemData): { what: string; next: string } {
  const words = texts.problems;
  const who = name ?? '';
  const time = endsTime === null ? '' : timeText(endsTime);
  switch (code) {
    case 'databaseReadOnly':
    case 'queueDown':
    case 'standbyBehind':
    case 'noWorker':
    case 'noScheduler':
      return words[code];
    case 'clockWrong':
      return { what: words[code].what(who), next: words[code].next };
    case 'auditBehind':
      return said(words[code].what(who), reason ?? words[code].noScheduler, words[code].next);
    case 'applicationStopped':
      return { what: name === null ? words[code].what : words[code].whatBy(name), next: words[code].next };
    case 'providerPaused':
      return said(words[code].what, reason && pauseText(reason), words[code].next);
    case 'credentialEnds': {
      const isOver = endsTime !== null && Date.parse(endsTime) <= serverNow();
      return { what: isOver ? words[code].over(time) : words[code].what(time), next: words[code].next };
    }
    case 'certificateEnds':
      return { what: words[code].what(time), next: words[code].next };
    case 'secretEnds':
      return { what: words[code].what(who, time), next: words[code].next };
    case 'webhookFailing':
      return said(words[code].what(who), reason, words[code].next);
    default:
      // A newer API may know more.
      code satisfies never;
      return { what: message, next };
  }
}

/** The reason is in the words of the provider, the endpoint or the receiver. */
function said(what: string, reason: string | null, next: string): { what: string; next: string } {
  return { what: reason === null ? `${what}.` : `${what}: ${reason}`, next };
}
