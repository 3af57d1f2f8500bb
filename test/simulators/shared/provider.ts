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

/** A message that the provider would accept. */
export interface Acceptance {
  token: string;
  messageId: string;
  collapseId: string;
  /** The provider's id of the message: apns-id, FCM's name, or a push message's Location. */
  providerId: string;
  /** The decoded body. */
  body: unknown;
}

export type Judgement =
  | { kind: 'accept'; answer: Answer; acceptance: Acceptance | readonly Acceptance[] }
  /** A success without a delivery: an access token, a dry run. Fault rules apply here too. */
  | { kind: 'served'; answer: Answer; reason: string }
  | { kind: 'refuse'; answer: Answer; reason: string; token: string; detail?: string; disconnect?: string };

/** The rules of one provider: values in, judgement out; the state of a connection is stored on the connection. */
export interface ProviderRules {
  readonly name: ProviderName;
  /** GOAWAY's debug data for a client that opened more streams than allowed. */
  readonly overrunDebug: string;
  judge(request: ReceivedRequest): Judgement;
  /** The provider's form of a failure that a fault rule requests. */
  failure(status: number, reason: string | undefined, request: ReceivedRequest): Answer;
  /** Streams that this connection may use now; if absent, the settings apply. */
  streams?(connection: Connection): number;
  /** Drops tokens and rates; registered credentials stay. */
  reset(): void;
}
