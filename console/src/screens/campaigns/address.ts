import { textOf } from '../../parts/address';

/** Filters and choices of the screens of campaigns, as they stand in the address. */

export function campaignsAddress(search: Record<string, unknown>): { after?: string } {
  const after = textOf(search.after);
  return after === undefined ? {} : { after };
}

export function calendarAddress({ month, zone }: Record<string, unknown>): { month?: string; zone?: string } {
  return {
    ...(typeof month === 'string' && /^\d{4}-(0[1-9]|1[0-2])$/.test(month) && { month }),
    ...(typeof zone === 'string' && isZone(zone) && { zone }),
  };
}

export function campaignAddress({ run }: Record<string, unknown>): { run?: number } {
  return typeof run === 'number' ? { run } : {};
}

function isZone(zone: string): boolean {
  try {
    return Intl.DateTimeFormat('en', { timeZone: zone }) instanceof Intl.DateTimeFormat;
  } catch {
    return false;
  }
}
