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
    const value = search[name];
    return typeof value === 'string' || typeof value === 'number' ? [[name, String(value)]] : [];
  });
  return { ...Object.fromEntries(texts), ...(by && { by }) };
}

export interface DeviceAddress {
  /** The message of "why did it get this one". */
  message?: string;
  after?: string;
}

export function deviceAddress({ message, after }: Record<string, unknown>): DeviceAddress {
  return {
    ...((typeof message === 'string' || typeof message === 'number') && { message: String(message) }),
    ...(typeof after === 'string' && { after }),
  };
}
