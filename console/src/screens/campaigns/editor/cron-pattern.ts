/** The repeats that a form can offer, and the cron expression of each. Pure. */

export const WEEKDAYS = ['MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT', 'SUN'] as const;

export const REPEATS = ['daily', 'weekly', 'monthly', 'lastDay'] as const;
export type Repeat = (typeof REPEATS)[number];

export interface Pattern {
  repeat: Repeat;
  /** `HH:MM` */
  time: string;
  weekdays: string[];
  dayOfMonth: string;
}

/** Null: the expression is of another form. `cronOf` of a pattern gives the same expression again. */
export function patternOf(cron: string): Pattern | null {
  const [minute = '', hour = '', day = '', month, weekday = '', ...more] = cron.split(' ');
  if (!/^\d{1,2}$/.test(minute) || !/^\d{1,2}$/.test(hour) || month !== '*' || more.length > 0) return null;
  const pattern: Pattern = {
    repeat: weekday !== '*' ? 'weekly' : day === '*' ? 'daily' : day === 'L' ? 'lastDay' : 'monthly',
    time: `${hour.padStart(2, '0')}:${minute.padStart(2, '0')}`,
    weekdays: weekday === '*' ? ['MON'] : weekday.split(','),
    dayOfMonth: /^\d{1,2}$/.test(day) ? day : '1',
  };
  const isKnown = pattern.weekdays.every((name) => (WEEKDAYS as readonly string[]).includes(name));
  return isKnown && cronOf(pattern) === cron ? pattern : null;
}

export function cronOf({ repeat, time, weekdays, dayOfMonth }: Pattern): string {
  const [hour, minute] = time.split(':').map(Number);
  const at = `${minute} ${hour}`;
  switch (repeat) {
    case 'daily':
      return `${at} * * *`;
    case 'weekly':
      return `${at} * * ${WEEKDAYS.filter((day) => weekdays.includes(day)).join(',')}`;
    case 'monthly':
      return `${at} ${dayOfMonth} * *`;
    case 'lastDay':
      return `${at} L * *`;
  }
}
