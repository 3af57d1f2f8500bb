import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Registrations } from './credential-registration.js';
import type { ReadyLine } from './main.js';
import type { FaultRule } from './shared/faults.js';
import type { LedgerEntry, MessageSummary, TokenCount } from './shared/ledger.js';
import type { ConnectionCommand, InFlightFate } from './shared/provider-server.js';
import type { ProviderName } from './shared/provider.js';
import type { SettingsChange } from './shared/settings.js';
import type { TokenMode } from './shared/token-registry.js';
import type { Personality } from './web-push/personality.js';
import type { SubscriptionJson } from './web-push/subscriptions.js';
import type { CountersReport } from './simulators.js';

export interface StartOptions {
  /** Plain ports instead of TLS. */
  plain?: boolean;
  seed?: number;
  apnsPort?: number;
  fcmPort?: number;
  webPushPort?: number;
  wnsPort?: number;
  hmsPort?: number;
  mobilefirstPort?: number;
  adminPort?: number;
}

type PairCount = TokenCount & { messageId: string };

interface LedgerReport extends Omit<MessageSummary, 'messageId'> {
  /** Pairs of message and token accepted more than once, at most 1,000. */
  duplicates: PairCount[];
  /** Without a messageId only: at most 100 messages, oldest first. */
  messages?: MessageSummary[];
}

/** Calls of the admin API; each throws with the API's message if refused. */
class SimulatorAdmin {
  constructor(private readonly url: string) {}

  /** Replaces the fault script. */
  async setFaults(rules: FaultRule[]): Promise<void> {
    await this.call('POST', '/faults', rules);
  }

  async appendFaults(rules: FaultRule[]): Promise<void> {
    await this.call('POST', '/faults?append', rules);
  }

  async listFaults(): Promise<{ rule: FaultRule; matched: number; fired: number }[]> {
    return this.call('GET', '/faults');
  }

  async clearFaults(): Promise<void> {
    await this.call('DELETE', '/faults');
  }

  /**
   * `timestamp` (epoch ms) is the time in APNs' 410; default: now. `reason` is the provider's reason for an invalid
   * token.
   */
  async killTokens(
    provider: ProviderName,
    tokens: string[],
    how: { reason?: string; timestamp?: number } = {},
  ): Promise<void> {
    await this.call('POST', '/tokens/kill', { provider, tokens, ...how });
  }

  async registerTokens(provider: ProviderName, tokens: string[], topic?: string): Promise<void> {
    await this.call('POST', '/tokens/register', { provider, tokens, ...(topic === undefined ? {} : { topic }) });
  }

  async setTokenMode(tokens: TokenMode, provider?: ProviderName): Promise<void> {
    await this.call('POST', '/mode', { tokens, ...(provider === undefined ? {} : { provider }) });
  }

  async changeSettings(change: SettingsChange): Promise<Required<SettingsChange>> {
    return this.call('POST', '/settings', change);
  }

  async registerCredentials(credentials: Registrations): Promise<void> {
    await this.call('POST', '/credentials', credentials);
  }

  /** New subscriptions of browsers; only `vapidPublicKey` may push to them, or any key if absent. */
  async createSubscriptions(
    personality: Personality,
    count: number,
    vapidPublicKey?: string,
  ): Promise<SubscriptionJson[]> {
    return this.call('POST', '/web-push/subscriptions', {
      personality,
      count,
      ...(vapidPublicKey && { vapidPublicKey }),
    });
  }

  /** The messages that a browser would receive after an absence: of messages with the same Topic only the last. */
  async storedMessages(endpoint: string): Promise<{ messageId: string; topic: string; body: unknown }[]> {
    return this.call('GET', `/web-push/stored?${new URLSearchParams({ endpoint }).toString()}`);
  }

  /** Every access token issued so far is refused from now on. */
  async expireAccessTokens(): Promise<number> {
    return (await this.call<{ expired: number }>('POST', '/oauth/expire')).expired;
  }

  /** Returns the number of affected connections. */
  async commandConnections(
    command: ConnectionCommand,
    options: { provider?: ProviderName; inFlight?: InFlightFate; debug?: string } = {},
  ): Promise<number> {
    return (await this.call<{ connections: number }>('POST', '/connections', { command, ...options })).connections;
  }

  async counters(): Promise<CountersReport> {
    return this.call('GET', '/counters');
  }

  async ledger(provider: ProviderName, messageId?: string): Promise<LedgerReport> {
    return this.call('GET', `/ledger?${ledgerQuery(provider, messageId)}`);
  }

  async ledgerTokens(provider: ProviderName, messageId?: string): Promise<PairCount[]> {
    return this.pairs(ledgerQuery(provider, messageId));
  }

  /** The repeats: pairs that were accepted more than once. */
  async ledgerRepeats(provider: ProviderName, messageId?: string): Promise<PairCount[]> {
    return this.pairs(`${ledgerQuery(provider, messageId)}&repeats=1`);
  }

  private async pairs(query: string): Promise<PairCount[]> {
    const text = await this.fetchText('GET', `/ledger/tokens?${query}`);
    const lines = text.split('\n').filter((line) => line !== '');
    return lines.map((line) => JSON.parse(line) as PairCount);
  }

  /** The last acceptances with headers and body, newest first. */
  async lastAccepted(provider: ProviderName, limit = 20): Promise<LedgerEntry[]> {
    return this.call('GET', `/ledger/last?provider=${provider}&limit=${limit}`);
  }

  /** Resets faults, tokens, settings, counters and ledger to the start; credentials and connections stay. */
  async reset(seed?: number): Promise<void> {
    await this.call('POST', '/reset', seed === undefined ? {} : { seed });
  }

  private async call<T>(method: string, path: string, body?: unknown): Promise<T> {
    return JSON.parse(await this.fetchText(method, path, body)) as T;
  }

  private async fetchText(method: string, path: string, body?: unknown): Promise<string> {
    const json = body === undefined ? {} : { body: JSON.stringify(body) };
    const response = await fetch(this.url + path, { method, ...json });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return text;
  }
}

function ledgerQuery(provider: ProviderName, messageId: string | undefined): string {
  return new URLSearchParams({ provider, ...(messageId === undefined ? {} : { messageId }) }).toString();
}

export interface RunningSimulators extends Omit<ReadyLine, 'admin' | 'ca' | 'files'> {
  admin: SimulatorAdmin;
  adminUrl: string;
  /** The CA certificate in PEM, for `tls.connect({ ca })`; empty with plain ports. */
  ca: string;
  caPath: string | null;
  pid: number;
  /** Ends the process and waits for its end. */
  stop(): Promise<void>;
}

/** Starts the simulators in a separate process, which ends with this process. */
export async function startSimulators(options: StartOptions = {}): Promise<RunningSimulators> {
  const main = fileURLToPath(new URL('./main.ts', import.meta.url));
  const args = ['--import', 'tsx', main, '--json', '--exit-with-stdin'];
  if (options.plain) args.push('--plain');
  for (const name of [
    'seed',
    'apnsPort',
    'fcmPort',
    'webPushPort',
    'wnsPort',
    'hmsPort',
    'mobilefirstPort',
    'adminPort',
  ] as const) {
    if (options[name] === undefined) continue;
    args.push(`--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`, String(options[name]));
  }
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  let complaints = '';
  child.stderr.on('data', (chunk: Buffer) => (complaints = (complaints + chunk.toString()).slice(-4000)));
  const ended = once(child, 'exit');
  const lines = createInterface(child.stdout);
  const first = await Promise.race([once(lines, 'line'), ended.then(() => null)]);
  if (!first) throw new Error(`the simulators did not start: ${complaints}`);
  const { admin, ca, files: _files, ...ready } = JSON.parse(String(first[0])) as ReadyLine;
  return {
    ...ready,
    admin: new SimulatorAdmin(admin.url),
    adminUrl: admin.url,
    ca: ca === null ? '' : await readFile(ca, 'utf8'),
    caPath: ca,
    pid: child.pid as number,
    stop: async () => {
      child.kill('SIGTERM');
      await ended;
    },
  };
}
