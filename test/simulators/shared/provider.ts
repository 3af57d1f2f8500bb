import type { IncomingHttpHeaders } from 'node:http2';
import type { Connection } from './connection.js';

/** The interface between a provider's rules and their server. */

export const PROVIDERS = ['apns', 'fcm', 'web-push', 'wns', 'hms', 'mobilefirst'] as const;
export type ProviderName = (typeof PROVIDERS)[number];

export interface ReceivedRequest {
  method: string;
  path: string;
  headers: IncomingHttpHeaders;
  /** Name, value, name, value, … as received: shows repeated headers. */
  rawHeaders: readonly string[];
  /** At most `MAX_BUFFERED_BYTES` of it are kept. */
  body: Buffer;
  /** Bytes that arrived. */
  bodyLength: number;
  connection: Connection;
}

export interface Answer {
  status: number;
  headers: Record<string, string>;
  body: string;
}

/** A message that the provider would take. */
export interface Acceptance {
  token: string;
  messageId: string;
  collapseId: string;
  /** The id under which the provider itself knows it: apns-id, FCM's name, or a push message's Location. */
  providerId: string;
  /** The decoded body. */
  body: unknown;
}

export type Judgement =
  | { kind: 'accept'; answer: Answer; acceptance: Acceptance | readonly Acceptance[] }
  /** Answered well but nothing to deliver: an access token, a dry run. Fault rules apply here too. */
  | { kind: 'served'; answer: Answer; reason: string }
  | { kind: 'refuse'; answer: Answer; reason: string; token: string; detail?: string; disconnect?: string };

/** The rules of one provider: values in, judgement out; all state of a connection hangs on the connection. */
export interface ProviderRules {
  readonly name: ProviderName;
  /** GOAWAY's debug data for a client that opened more streams than allowed. */
  readonly overrunDebug: string;
  judge(request: ReceivedRequest): Judgement;
  /** The provider's own form of a failure which a fault rule asks for. */
  failure(status: number, reason: string | undefined, request: ReceivedRequest): Answer;
  /** Streams that this connection may use at this moment; where absent, what the settings say. */
  streams?(connection: Connection): number;
  /** Forgets tokens and rates; registered credentials stay. */
  reset(): void;
}
