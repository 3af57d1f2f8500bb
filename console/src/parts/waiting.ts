import type { paths } from '../api/schema';
import { texts } from '../texts/texts';
import { rateText, timeText } from './format';

type Report =
  paths['/imfpush/v1/apps/{applicationId}/messages/{messageId}']['get']['responses'][200]['content']['application/json'];

/** Why a message stands still, in a sentence. */
export function waitingText(cause: NonNullable<Report['waitingFor']>): string {
  const { kind, act, by, provider = '', reason = '', perSecond, untilTime, nextTryTime } = cause;
  const { waiting } = texts.message;
  const until = untilTime ?? nextTryTime;
  const time = until === undefined ? '' : timeText(until);
  switch (kind) {
    case 'person':
      return act === 'applicationStopped' ? waiting.personStopped(by ?? '') : waiting.person;
    case 'time':
      return waiting.time(time);
    case 'provider':
      return waiting.provider(provider, reason);
    case 'quietHours':
      return waiting.quietHours(time);
    case 'pace':
      return perSecond === undefined ? waiting.paceUntil(provider, time) : waiting.pace(provider, rateText(perSecond));
    case 'rate':
      return waiting.rate(rateText(perSecond ?? 0));
    case 'retry':
      return waiting.retry(time);
    case 'worker':
      return waiting.worker;
    default:
      // A newer API may know more.
      return waiting.other(kind satisfies never);
  }
}
