import cronstrue from 'cronstrue';
import 'cronstrue/locales/de';
import type { components } from '../api/schema';
import { language } from '../texts/language';
import { texts } from '../texts/texts';

type Schedule = components['schemas']['ScheduleDto'];

/** When a campaign fires, in a sentence; the expression itself if it has no words. */
export function scheduleWords({ cron, at, timeZone = 'UTC' }: Schedule): string {
  const when = cron === undefined ? atWords(at ?? []) : cronWords(cron);
  return `${when} · ${timeZone === 'recipient' ? texts.campaigns.recipientsTime : timeZone}`;
}

export function cronWords(expression: string, locale: string = language): string {
  const fields = expression.trim().split(/\s+/);
  const [dayOfMonth = '', dayOfWeek = ''] = [fields.at(-3), fields.at(-1)];
  // As the API reads it: a field that begins with * or ? does not restrict the day, so that both must match.
  const both = [dayOfMonth, dayOfWeek].some((field) => /^[*?]/.test(field));
  try {
    return cronstrue.toString(expression, { locale, use24HourTimeFormat: true, logicalAndDayFields: both });
  } catch {
    return expression;
  }
}

/** The moments of a list are local times of its zone: shown as they are written. */
function atWords(at: readonly string[]): string {
  const [first = ''] = at;
  const shown = first.replace('T', ' ');
  return at.length > 1 ? texts.campaigns.times(shown, at.length - 1) : shown;
}
