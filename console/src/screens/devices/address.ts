import { textOf } from '../../parts/address';

/** The filters and the page of the list of devices, as they stand in the address. */
export interface DevicesAddress {
  /** The meaning of `text`. */
  by?: By;
  text?: string;
  platform?: string;
  language?: string;
  state?: string;
  /** Of the API's next page. */
  after?: string;
}

export const BY = ['device', 'user', 'token', 'attribute'] as const;
export type By = (typeof BY)[number];

const NAMES = ['text', 'platform', 'language', 'state', 'after'] as const;

export function devicesAddress(search: Record<string, unknown>): DevicesAddress {
  const by = BY.find((each) => each === search.by);
  const texts = NAMES.flatMap((name) => {
    const text = textOf(search[name]);
    return text === undefined ? [] : [[name, text]];
  });
  return { ...Object.fromEntries(texts), ...(by && { by }) };
}

export interface DeviceAddress {
  /** The message of "why did it get this one". */
  message?: string;
  after?: string;
}

export function deviceAddress(search: Record<string, unknown>): DeviceAddress {
  const [message, after] = [textOf(search.message), textOf(search.after)];
  return {
    ...(message !== undefined && { message }),
    ...(after !== undefined && { after }),
  };
}
