import { registerCredentials } from './credential-registration.js';
import { parseFaultRules } from './shared/faults.js';
import type { ConnectionCommand, InFlightFate } from './shared/provider-server.js';
import { PROVIDERS, type ProviderName } from './shared/provider.js';
import { parseSettingsChange } from './shared/settings.js';
import { BadInput, checkShape } from './shared/shape.js';
import type { TokenMode } from './shared/token-registry.js';
import type { Simulators } from './simulators.js';
import { PERSONALITIES, type Personality } from './web-push/personality.js';

export interface AdminRequest {
  query: URLSearchParams;
  body: unknown;
}

type AdminRoute = (simulators: Simulators, request: AdminRequest) => unknown;

/** Repeats listed in a summary; all of them are at `/ledger/tokens?repeats=1`. */
const REPEATS_LISTED = 1000;
const DEAD: Readonly<Record<ProviderName, string>> = {
  apns: 'Unregistered',
  fcm: 'UNREGISTERED',
  'web-push': 'gone',
  wns: '410',
  hms: 'tokenFormatError',
  mobilefirst: 'FPWSE0001E',
};

/** Method and path → handler; its result is the JSON of the answer, an iterator becomes NDJSON. */
export const ADMIN_ROUTES: Readonly<Record<string, AdminRoute>> = {
  'GET /faults': ({ faults }) => faults.list(),
  'POST /faults': ({ faults }, { body, query }) => {
    const rules = parseFaultRules(body);
    if (query.has('append')) faults.append(rules);
    else faults.replace(rules);
    return { rules: faults.list().length };
  },
  'DELETE /faults': ({ faults }) => faults.replace([]),
  'POST /tokens/kill': killTokens,
  'POST /tokens/register': registerTokens,
  'POST /mode': (simulators, { body }) => {
    const fields = checkShape(body, { provider: PROVIDERS, tokens: ['open', 'strict'] }, 'body', ['tokens']);
    const only = fields['provider'] as ProviderName | undefined;
    for (const name of only ? [only] : PROVIDERS) simulators[name].tokens.mode = fields['tokens'] as TokenMode;
  },
  'GET /settings': ({ settings }) => settings,
  'POST /settings': async (simulators, { body }) => {
    await simulators.changeSettings(parseSettingsChange(body));
    return simulators.settings;
  },
  'POST /credentials': (simulators, { body }) => registerCredentials(simulators, body),
  'POST /web-push/subscriptions': createSubscriptions,
  'GET /web-push/stored': listStored,
  'POST /oauth/expire': ({ fcm, wns, hms, mobilefirst }) => {
    const endpoints = [fcm.oauth, wns.live, wns.entra, hms.access.oauth, mobilefirst.clients];
    return { expired: endpoints.reduce((sum, endpoint) => sum + endpoint.expireAll(), 0) };
  },
  'POST /connections': commandConnections,
  'GET /counters': (simulators) => simulators.counters(),
  'GET /ledger': summarizeLedger,
  'GET /ledger/tokens': (simulators, { query }) =>
    ledgerOf(simulators, query).tokenCounts(query.get('messageId') ?? undefined, query.has('repeats')),
  'GET /ledger/last': (simulators, { query }) => ledgerOf(simulators, query).last(Number(query.get('limit') ?? 20)),
  'POST /reset': async (simulators, { body }) => {
    const fields = checkShape(body ?? {}, { seed: 'number' }, 'body');
    await simulators.reset(fields['seed'] as number | undefined);
  },
};

function killTokens(simulators: Simulators, { body }: AdminRequest): unknown {
  const shape = { provider: PROVIDERS, tokens: 'any', reason: 'string', timestamp: 'number' } as const;
  const fields = checkShape(body, shape, 'body', ['provider', 'tokens']);
  const provider = fields['provider'] as ProviderName;
  const reason = (fields['reason'] as string | undefined) ?? DEAD[provider];
  const timestamp = (fields['timestamp'] as number | undefined) ?? Date.now();
  const tokens = tokenList(fields['tokens']);
  for (const token of tokens) simulators[provider].tokens.kill(token, reason, timestamp);
  return { killed: tokens.length };
}

function registerTokens(simulators: Simulators, { body }: AdminRequest): unknown {
  const shape = { provider: PROVIDERS, tokens: 'any', topic: 'string' } as const;
  const fields = checkShape(body, shape, 'body', ['provider', 'tokens']);
  const tokens = tokenList(fields['tokens']);
  const registry = simulators[fields['provider'] as ProviderName].tokens;
  for (const token of tokens) registry.register(token, fields['topic'] as string | undefined);
  return { registered: tokens.length };
}

function tokenList(value: unknown): string[] {
  if (Array.isArray(value) && value.every((token) => typeof token === 'string')) return value;
  throw new BadInput('body.tokens must be a list of strings');
}

/** One subscription, or a list of `count`. */
function createSubscriptions(simulators: Simulators, { body }: AdminRequest): unknown {
  const shape = { personality: PERSONALITIES, vapidPublicKey: 'string', count: 'number' } as const;
  const fields = checkShape(body, shape, 'body', ['personality']);
  const personality = fields['personality'] as Personality;
  const key = fields['vapidPublicKey'] as string | undefined;
  const create = () => simulators['web-push'].subscriptions.create(personality, key);
  return fields['count'] === undefined ? create() : Array.from({ length: Number(fields['count']) }, create);
}

/**
 * The messages that a browser would receive after an absence, oldest first: of messages with the same Topic only the
 * last (RFC 8030 §5.4), limited to messages with stored details.
 */
function listStored({ servers }: Simulators, { query }: AdminRequest): unknown {
  const endpoint = query.get('endpoint');
  const byTopic = new Map<string, unknown>();
  for (const { token, collapseId, messageId, body, providerId } of servers['web-push'].desk.ledger.last(1000)) {
    const key = collapseId === '' ? providerId : collapseId;
    if (token === endpoint && !byTopic.has(key)) byTopic.set(key, { messageId, topic: collapseId, body });
  }
  return [...byTopic.values()].toReversed();
}

function commandConnections(simulators: Simulators, { body }: AdminRequest): unknown {
  const shape = {
    provider: PROVIDERS,
    command: ['goaway', 'goawayHalf', 'fin', 'tcpReset', 'blackhole'],
    inFlight: ['lost', 'accepted', 'half'],
    debug: 'string',
  } as const;
  const fields = checkShape(body, shape, 'body', ['command']);
  const only = fields['provider'] as ProviderName | undefined;
  const command = fields['command'] as ConnectionCommand;
  const fate = (fields['inFlight'] as InFlightFate | undefined) ?? 'lost';
  let connections = 0;
  for (const name of only ? [only] : PROVIDERS) {
    connections += simulators.servers[name].command(command, fate, fields['debug'] as string | undefined);
  }
  return { connections };
}

function summarizeLedger(simulators: Simulators, { query }: AdminRequest): unknown {
  const ledger = ledgerOf(simulators, query);
  const messageId = query.get('messageId') ?? undefined;
  const duplicates: unknown[] = [];
  const summary = ledger.summary(messageId);
  if (summary.repeats > 0) {
    for (const pair of ledger.tokenCounts(messageId, true)) {
      if (duplicates.push(pair) >= REPEATS_LISTED) break;
    }
  }
  return messageId === undefined
    ? { ...summary, duplicates, messages: ledger.listMessages(Number(query.get('limit') ?? 100)) }
    : { ...summary, duplicates };
}

function ledgerOf(simulators: Simulators, query: URLSearchParams) {
  const provider = PROVIDERS.find((name) => name === query.get('provider'));
  if (!provider) throw new BadInput(`?provider= must be one of ${PROVIDERS.join(', ')}`);
  return simulators.servers[provider].desk.ledger;
}
