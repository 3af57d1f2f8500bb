import { OTHER } from '../common/application-labels.js';

/** The metrics that come from rows, pure. */

interface FigureKind {
  help: string;
  labels: readonly string[];
  /** How the values of applications beyond the limit become one. */
  merge: 'sum' | 'max' | 'min';
}

const of = (merge: FigureKind['merge'], labels: readonly string[], help: string): FigureKind => ({
  help,
  labels,
  merge,
});

/** By name of the metric. Each process shows them all: `max by` in PromQL, before any sum. */
export const FIGURES = {
  carillon_deliveries_open: of('sum', ['app', 'provider', 'state'], 'Deliveries that are not settled'),
  carillon_oldest_pending_seconds: of('max', ['app', 'provider'], 'How long the oldest delivery is due and not sent'),
  carillon_provider_paused: of('max', ['app', 'provider'], '1: sending is paused, because credentials were refused'),
  carillon_provider_rate_limit: of(
    'sum',
    ['app', 'provider'],
    'Deliveries a second that are allowed; absent: no limit',
  ),
  carillon_credential_expiry_timestamp_seconds: of('min', ['app', 'provider'], 'When the credentials end'),
  carillon_process_last_seen_timestamp_seconds: of('max', ['role', 'version'], 'When a process was last seen'),
  carillon_role_missing: of('max', ['role'], '1: no process of the role was seen for 60 s, and something waits'),
  carillon_campaign_firing_lag_seconds: of('max', [], 'How long the oldest due firing has not been made'),
  carillon_audit_oldest_unsent_seconds: of('max', [], 'Age of the oldest audit event that the SIEM does not have'),
  carillon_webhook_pending: of('sum', ['app'], 'Events that webhooks have not taken'),
  carillon_webhook_oldest_seconds: of('max', ['app'], 'Age of the oldest of these events'),
  carillon_queue_jobs: of('sum', ['queue', 'state'], 'Jobs in the queue'),
  carillon_queue_up: of('max', [], '1: the queue can be reached'),
  carillon_devices: of('sum', ['app', 'platform', 'state'], 'Devices; broadcast: with a subscription to Push.ALL'),
} as const satisfies Record<string, FigureKind>;

export type FigureName = keyof typeof FIGURES;

/** A value with its labels, in the order of FIGURES. */
export interface Sample {
  labels: string[];
  value: number;
}

export type Samples = Partial<Record<FigureName, Sample[]>>;

export interface Figures {
  /** Those with series of their own. */
  applications: string[];
  samples: Samples;
}

/**
 * Sums up the applications beyond `most`. An application that is not in the list is removed if the list is shorter.
 */
export function bound(applications: readonly string[], most: number, samples: Samples): Figures {
  const named = new Set(applications);
  const isFull = applications.length >= most;
  const bounded: Samples = {};
  for (const name of Object.keys(samples) as FigureName[]) {
    const { labels: names, merge } = FIGURES[name];
    const merged = new Map<string, Sample>();
    for (const { labels, value } of samples[name] ?? []) {
      const isNamed = names[0] !== 'app' || named.has(labels[0]!);
      if (!isNamed && !isFull) continue;
      const shown = isNamed ? labels : [OTHER, ...labels.slice(1)];
      const key = shown.join('\n');
      const before = merged.get(key);
      if (before) before.value = combine(merge, before.value, value);
      else merged.set(key, { labels: shown, value });
    }
    bounded[name] = [...merged.values()];
  }
  return { applications: [...applications], samples: bounded };
}

function combine(merge: FigureKind['merge'], a: number, b: number): number {
  if (merge === 'sum') return a + b;
  return merge === 'max' ? Math.max(a, b) : Math.min(a, b);
}
