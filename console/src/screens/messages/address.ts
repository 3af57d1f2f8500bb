import { textOf } from '../../parts/address';

/** The filters and the page of the list, as they stand in the address. */
export interface MessagesAddress {
  state?: string;
  label?: string;
  client?: string;
  campaign?: string;
  /** ISO 8601. */
  from?: string;
  to?: string;
  after?: string;
}

const NAMES = ['state', 'label', 'client', 'campaign', 'from', 'to', 'after'] as const;

export function messagesAddress(search: Record<string, unknown>): MessagesAddress {
  return Object.fromEntries(
    NAMES.flatMap((name) => {
      const text = textOf(search[name]);
      return text === undefined ? [] : [[name, text]];
    }),
  );
}
