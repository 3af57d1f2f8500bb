/** The kinds of receipts, and their forms in rows and answers, pure. */

export const RECEIPT_KINDS = ['displayed', 'opened', 'dismissed', 'action'] as const;
export type ReceiptKind = (typeof RECEIPT_KINDS)[number];

const ACTION = 'action:';
/** Actions in a report, the most frequent first. */
const ACTIONS_TOLD = 100;

export interface ReceiptCounts {
  displayed: number;
  opened: number;
  dismissed: number;
  /** By the id of the action. */
  actions: Record<string, number>;
}

/** The times of a device's receipts. */
export interface DeviceReceipts {
  displayedTime: string;
  openedTime?: string;
  dismissedTime?: string;
  /** By the id of the action. */
  actionTimes?: Record<string, string>;
}

/**
 * The names that a receipt is stored and counted under. Each of the others tells that the message was displayed, which
 * a device that lost its connection may not have told before.
 */
export function namesOf(kind: ReceiptKind, action = ''): string[] {
  if (kind === 'displayed') return [kind];
  return ['displayed', kind === 'action' ? `${ACTION}${action}` : kind];
}

/** Null if no device told anything. */
export function toCounts(counts: Readonly<Record<string, number>> | null): ReceiptCounts | null {
  if (!counts) return null;
  const actions = actionsOf(counts)
    .sort(([, one], [, other]) => other - one)
    .slice(0, ACTIONS_TOLD);
  const { displayed = 0, opened = 0, dismissed = 0 } = counts;
  return { displayed, opened, dismissed, actions: Object.fromEntries(actions) };
}

/** `times`: epoch ms by name. */
export function toDeviceReceipts(times: Readonly<Record<string, number>>): DeviceReceipts {
  const time = (ms: number): string => new Date(ms).toISOString();
  const { displayed = 0, opened, dismissed } = times;
  const actions = actionsOf(times);
  return {
    displayedTime: time(displayed),
    ...(opened !== undefined && { openedTime: time(opened) }),
    ...(dismissed !== undefined && { dismissedTime: time(dismissed) }),
    ...(actions.length > 0 && { actionTimes: Object.fromEntries(actions.map(([id, ms]) => [id, time(ms)])) }),
  };
}

function actionsOf(values: Readonly<Record<string, number>>): [id: string, value: number][] {
  return Object.entries(values).flatMap(([name, value]): [string, number][] =>
    name.startsWith(ACTION) ? [[name.slice(ACTION.length), value]] : [],
  );
}
