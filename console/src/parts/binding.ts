import type { components } from '../api/schema';
import { texts } from '../texts/texts';
import { rateText } from './format';
import { waitingText } from './waiting';

/** The limit that decides when a message or a firing will be finished. */
export function bindingText({ kind, act, ...binding }: components['schemas']['BindingAnswer']): string {
  const words = texts.send.plan.estimate;
  if (kind === 'person') return act === 'approval' ? words.approval : words.stopped;
  if (kind === 'time') return words.time;
  if (kind === 'speed') return words.speed(binding.provider ?? '', rateText(binding.perSecond ?? 0));
  if (kind === 'spread') return words.spread;
  // Of a campaign, whose quiet hours come again each day.
  if (kind === 'quietHours') return words.quietHours;
  return waitingText({ kind, ...binding });
}
