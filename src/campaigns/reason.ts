/** Reasons why a campaign, a run or a wave does not send, as they are stored, and their codes. Pure. */

export const DISABLED = 'the application is disabled';
export const UNDER_WAY = 'an earlier run has not ended';
export const OVERTAKEN = 'overtaken by the next firing';
export const IN_QUIET_HOURS = 'quiet hours of the recipients';
export const DEAD_BY_MORNING = 'its time to live ends before the quiet hours do';
export const TOO_OLD = 'its time to live has ended';
export const REMOVED = 'the campaign was removed';
export const AWAITS = 'it goes to more devices than the application sends to without approval';

export const REASON_CODES = [
  'applicationDisabled',
  'earlierRun',
  'overtaken',
  'quietHours',
  'endsInQuietHours',
  'expired',
  'removed',
  'approval',
  'missed',
  'failures',
  'clientGone',
  'invalid',
] as const;
export type ReasonCode = (typeof REASON_CODES)[number];

const SENTENCES: Readonly<Record<string, ReasonCode>> = {
  [DISABLED]: 'applicationDisabled',
  [UNDER_WAY]: 'earlierRun',
  [OVERTAKEN]: 'overtaken',
  [IN_QUIET_HOURS]: 'quietHours',
  [DEAD_BY_MORNING]: 'endsInQuietHours',
  [TOO_OLD]: 'expired',
  [REMOVED]: 'removed',
  [AWAITS]: 'approval',
};

/** Sentences with figures and names. */
const PATTERNS: readonly [RegExp, ReasonCode][] = [
  [/^(missed by |[\d,]+ missed, )/, 'missed'],
  [/^\d+ % of the last run failed/, 'failures'],
  [/^the client .+ was deleted or disabled$/s, 'clientGone'],
];

/** Rows of earlier releases have the sentence alone. Every other sentence tells what is wrong with the definition. */
export function reasonCodeOf(reason: string): ReasonCode {
  return SENTENCES[reason] ?? PATTERNS.find(([pattern]) => pattern.test(reason))?.[1] ?? 'invalid';
}
