import { serverNow } from '../api/clock';
import { locale } from '../texts/language';

/** Numbers and times as the viewer's language writes them. Times are in the viewer's zone, which is named. */

export const ZONE = Intl.DateTimeFormat().resolvedOptions().timeZone;

export function numberText(value: number): string {
  return new Intl.NumberFormat(locale).format(value);
}

/** Three digits that count: 0.42, 7.35, 741. */
export function rateText(value: number): string {
  return new Intl.NumberFormat(locale, { maximumSignificantDigits: 3 }).format(value);
}

/** Of a part: 100 % means all, so a part that is less is rounded down. */
export function percentText(part: number, whole: number): string {
  const share = whole === 0 ? 0 : Math.floor((part / whole) * 1_000) / 1_000;
  return new Intl.NumberFormat(locale, { style: 'percent', maximumFractionDigits: 1 }).format(share);
}

export function bytesText(bytes: number): string {
  return new Intl.NumberFormat(locale, { style: 'unit', unit: 'byte', unitDisplay: 'narrow' }).format(bytes);
}

/** A day and a time, with the short name of the zone. */
export function timeText(time: string | number, zone = ZONE): string {
  return new Intl.DateTimeFormat(locale, {
    year: 'numeric',
    month: 'short',
    day: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    timeZone: zone,
    timeZoneName: 'short',
  }).format(new Date(time));
}

/** Without seconds and zone, for a column whose head names the zone. */
export function shortTimeText(time: string | number, zone = ZONE): string {
  return new Intl.DateTimeFormat(locale, {
    month: 'short',
    day: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    timeZone: zone,
  }).format(new Date(time));
}

const STEPS = [
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
  ['second', 1],
] as const;

/** "3 minutes ago", "in 2 hours", by the server's clock. A moment ago is "now". */
export function agoText(time: string | number): string {
  const seconds = Math.round((new Date(time).getTime() - serverNow()) / 1_000);
  const [unit, size] = STEPS.find(([, least]) => Math.abs(seconds) >= least) ?? ['second', 1];
  const value = Math.abs(seconds) < 2 ? 0 : Math.trunc(seconds / size);
  return new Intl.RelativeTimeFormat(locale, { numeric: 'auto' }).format(value, unit);
}

/** "2 h 5 min", "40 s". */
export function durationText(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const unit = (value: number, name: string): string =>
    new Intl.NumberFormat(locale, { style: 'unit', unit: name, unitDisplay: 'short' }).format(value);
  if (whole < 60) return unit(whole, 'second');
  if (whole < 3_600) return `${unit(Math.floor(whole / 60), 'minute')} ${unit(whole % 60, 'second')}`;
  if (whole < 86_400)
    return `${unit(Math.floor(whole / 3_600), 'hour')} ${unit(Math.floor((whole % 3_600) / 60), 'minute')}`;
  return `${unit(Math.floor(whole / 86_400), 'day')} ${unit(Math.floor((whole % 86_400) / 3_600), 'hour')}`;
}

/**
 * A whole number as a person types it in the viewer's language: `10000`, `10.000` and `10 000` are ten thousand in
 * German, `10,0` is no whole number. Null if the text is none.
 */
export function parseWhole(text: string, language: string = locale): number | null {
  const group = new Intl.NumberFormat(language).formatToParts(1_000_000).find(({ type }) => type === 'group')?.value;
  const plain = text.trim().replace(/[\s\u00a0\u202f]/g, ' ');
  if (/^\d+$/.test(plain)) return Number(plain);
  const separators = [' ', group].filter((separator) => separator !== undefined);
  const separator = separators.find((sign) => plain.includes(sign));
  if (separator === undefined) return null;
  const groups = plain.split(separator);
  const fits = groups.every((digits, index) => (index === 0 ? /^\d{1,3}$/ : /^\d{3}$/).test(digits));
  return fits ? Number(groups.join('')) : null;
}

/** As the viewer writes it: `1.000` and `1,5` in German are 1000 and 1.5. Null if the text is no number. */
export function parseDecimal(text: string): number | null {
  const plain = text.trim();
  const [sign, digits] = /^[-−]/.test(plain) ? [-1, plain.slice(1)] : [1, plain];
  const whole = parseWhole(digits);
  if (whole !== null) return sign * whole;
  return /^\d+[.,]\d+$/.test(digits) ? sign * Number(digits.replace(',', '.')) : null;
}

/** A number in a field to type in: parseDecimal reads the same number from it. */
export function plainNumber(value: number): string {
  return new Intl.NumberFormat(locale, { useGrouping: false, maximumFractionDigits: 20 }).format(value);
}
