import type { components } from '../api/schema';
import { texts } from '../texts/texts';
import { rateText, timeText } from './format';
import { pauseText } from './reasons';

/** Why a message stands still, in a sentence. */
export function waitingText(cause: components['schemas']['WaitAnswer']): string {
  const { kind, act, by, provider = '', reason = '', perSecond, untilTime, nextTryTime } = cause;
  const { waiting } = texts.message;
  const until = untilTime ?? nextTryTime;
  const time = until === undefined ? '' : timeText(until);
  switch (kind) {
    case 'person':
      if (act === 'approval') return waiting.approval;
      return act === 'applicationStopped' ? waiting.personStopped(by ?? '') : waiting.person;
    case 'time':
      return waiting.time(time);
    case 'provider':
      return waiting.provider(provider, pauseText(reason));
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
