import { Counter, Gauge, Registry } from 'prom-client';
import { ApplicationLabels } from './application-labels.js';
import { WeightedHistogram } from './weighted-histogram.js';
import type { Series } from './weighted-histogram.js';

/**
 * The counts of this process, for `GET /metrics` (src/metrics/). Each is counted in one role only, per batch where a
 * batch exists. Labels have few values: no id but the application's, and no text of a caller.
 */
export const registry = new Registry();

/** The label `app`. */
export const applications = new ApplicationLabels();

const SECONDS = [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
const WAITS = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1_800, 3_600];

function counter<L extends string>(name: string, help: string, labelNames: readonly L[]): Counter<L> {
  return new Counter({ name, help, labelNames, registers: [registry] });
}

const accepted = counter('carillon_messages_accepted_total', 'Messages that were committed', ['app', 'kind']);
const deliveries = counter('carillon_deliveries_total', 'Deliveries that got this outcome', [
  'app',
  'provider',
  'outcome',
]);
const retired = counter('carillon_tokens_retired_total', 'Devices that a provider called dead, or that were unseen', [
  'app',
  'provider',
  'reason',
]);
const runs = counter('carillon_campaign_runs_total', 'Firings of campaigns: fired, or skipped with a reason', [
  'app',
  'result',
]);
const registrations = counter('carillon_device_registrations_total', 'Registrations, new and repeated', [
  'app',
  'platform',
]);

/** Those with the label `app`, whose series end with their application. */
const OF_APPLICATIONS: readonly Counter[] = [accepted, deliveries, retired, runs, registrations];

export const recovered = counter('carillon_sweeper_recovered_total', 'Rows that the sweeper queued (again)', ['kind']);
export const authFailures = counter('carillon_auth_failures_total', 'Refusals for want of authentication or rights', [
  'reason',
]);
export const goAways = counter('carillon_http2_goaways_total', 'GOAWAY frames of providers', ['provider', 'code']);

export const timeToProvider = new WeightedHistogram<'lane'>(
  'carillon_time_to_provider_seconds',
  'From the acceptance of a message, or its sendAt, to the answer of the provider',
  WAITS,
  registry,
);
export const httpRequests = new WeightedHistogram<'method' | 'route' | 'status'>(
  'http_server_request_duration_seconds',
  'Requests to this server',
  SECONDS,
  registry,
);
const providerRequests = new WeightedHistogram<'provider' | 'status'>(
  'carillon_provider_request_seconds',
  'Requests to providers, from writing to the whole answer; status 0: no answer',
  SECONDS,
  registry,
);

/** Per process, by its database watch. */
export const clockAhead = new Gauge({
  name: 'carillon_clock_ahead_seconds',
  help: 'How far the clock of this host is ahead of the database’s; below zero: behind',
  registers: [registry],
});

/** The open connections of a sender. */
export interface ConnectionCounts {
  provider: string;
  connections: number;
  streams: number;
  inFlight: number;
}
type ConnectionSource = () => Promise<ConnectionCounts[]>;

/** The connections to providers, counted when they are asked for. */
class OpenConnections {
  private readonly sources = new Set<ConnectionSource>();
  private readonly connections = ofProviders('carillon_http2_connections', 'Open connections');
  private readonly streams = ofProviders('carillon_http2_streams', 'Requests that the providers allow at once');
  private readonly inFlight = ofProviders('carillon_http2_requests_in_flight', 'Written requests without an answer');

  from(source: ConnectionSource): void {
    this.sources.add(source);
  }

  without(source: ConnectionSource): void {
    this.sources.delete(source);
  }

  async read(): Promise<void> {
    const open = (await Promise.all([...this.sources].map((source) => source()))).flat();
    for (const gauge of [this.connections, this.streams, this.inFlight]) gauge.reset();
    for (const { provider, connections, streams, inFlight } of open) {
      this.connections.inc({ provider }, connections);
      this.streams.inc({ provider }, streams);
      this.inFlight.inc({ provider }, inFlight);
    }
  }
}

function ofProviders(name: string, help: string): Gauge<'provider'> {
  return new Gauge({ name, help, labelNames: ['provider'], registers: [registry] });
}

export const openConnections = new OpenConnections();

/** Kinds of messages, the first that fits; `direct`: to device or user ids. */
export type MessageKind = 'campaign' | 'test' | 'resend' | 'scheduled' | 'broadcast' | 'direct';

export function countAccepted(applicationId: string, kind: MessageKind): void {
  count(accepted, applicationId, { kind });
}

export function countDeliveries(applicationId: string, provider: string, outcome: string, by: number): void {
  count(deliveries, applicationId, { provider, outcome }, by);
}

export function countRetired(applicationId: string, provider: string, reason: string, by: number): void {
  count(retired, applicationId, { provider, reason: knownReason(reason) }, by);
}

export function countRun(applicationId: string, result: 'fired' | 'skipped'): void {
  count(runs, applicationId, { result });
}

export function countRegistration(applicationId: string, platform: string): void {
  count(registrations, applicationId, { platform });
}

/** The counter of one provider's requests; the caller keeps it. `status` 0: no answer. */
export function requestMeter(provider: string): (status: number, ms: number) => void {
  const byStatus = new Map<number, Series>();
  return (status, ms) => {
    let series = byStatus.get(status);
    // A provider may answer anything; a status has three digits.
    if (!series) byStatus.set(status, (series = providerRequests.of({ provider, status: String(status) })));
    series.observe(ms / 1_000);
  };
}

/** Ends the series of applications that are gone. */
export function forget(ended: readonly string[]): void {
  for (const app of ended)
    for (const each of OF_APPLICATIONS)
      for (const labels of seriesOf(each)) if (labels.app === app) each.remove(labels);
}

function count<L extends string>(
  counted: Counter<L | 'app'>,
  applicationId: string,
  labels: Record<L, string>,
  by = 1,
): void {
  const app = applications.of(applicationId);
  if (app !== null) counted.inc({ app, ...labels } as Record<L | 'app', string>, by);
}

/** prom-client keeps its series private, and removes them by all of their labels. */
function seriesOf(of: Counter): Record<string, string>[] {
  const { hashMap } = of as unknown as { hashMap: Record<string, { labels: Record<string, string> }> };
  return Object.values(hashMap).map(({ labels }) => labels);
}

/** Providers' reasons are codes; a push service of browsers could answer any number of them. */
const MOST_REASONS = 50;
const reasons = new Set<string>();

function knownReason(reason: string): string {
  const short = reason.slice(0, 60);
  if (reasons.has(short)) return short;
  if (reasons.size >= MOST_REASONS) return 'other';
  reasons.add(short);
  return short;
}
