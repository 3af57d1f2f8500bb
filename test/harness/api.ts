import { setTimeout as delay } from 'node:timers/promises';

/** Calls of the push API with a token, like a backend's. */

export interface Answer<T> {
  status: number;
  headers: Headers;
  body: T;
}

export interface MessageReport {
  messageId: string;
  alert: string;
  state: string;
  audience: number;
  outcomes: Record<string, number>;
  finishedTime?: string;
  resends?: string[];
  upstream?: { outcome: string; messageId?: string; reason?: string };
}

export interface DeviceBody {
  deviceId: string;
  platform: string;
  token: string;
  userId?: string;
}

export type RequestBody = NonNullable<Parameters<typeof fetch>[1]>['body'];

export class Api {
  constructor(
    readonly url: string,
    private readonly token: string,
    readonly applicationId: string,
  ) {}

  get authorization(): string {
    return `Bearer ${this.token}`;
  }

  static async connect(url: string, applicationId = 'com.example.app', scope = '*'): Promise<Api> {
    return new Api(url, await issueToken(url, scope), applicationId);
  }

  async call<T = Record<string, unknown>>(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer<T>> {
    const response = await fetch(`${this.url}/imfpush/v1${path}`, {
      method,
      headers: {
        authorization: this.authorization,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      body: body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body),
    });
    const text = await response.text();
    return {
      status: response.status,
      headers: response.headers,
      body: (text === '' ? undefined : JSON.parse(text)) as T,
    };
  }

  /** Sends a request unchanged to a path below the application's; returns the answer unparsed. */
  raw(
    method: string,
    path: string,
    body: RequestBody,
    headers: Record<string, string>,
    signal?: AbortSignal,
  ): Promise<Response> {
    return fetch(`${this.url}/imfpush/v1/apps/${this.applicationId}${path}`, {
      method,
      headers: { authorization: `Bearer ${this.token}`, ...headers },
      body,
      signal,
      // Node requires this option for a body that is a stream.
      duplex: 'half',
    });
  }

  /** Calls a path below the application's. */
  app<T = Record<string, unknown>>(
    method: string,
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
  ): Promise<Answer<T>> {
    return this.call<T>(method, `/apps/${this.applicationId}${path}`, body, headers);
  }

  async registerDevices(devices: readonly DeviceBody[], atOnce = 32): Promise<void> {
    let next = 0;
    const register = async (): Promise<void> => {
      for (let device = devices[next++]; device; device = devices[next++]) {
        const answer = await this.app('POST', '/devices', device);
        if (answer.status !== 201) throw new Error(`register: ${answer.status} ${JSON.stringify(answer.body)}`);
      }
    };
    await Promise.all(Array.from({ length: atOnce }, register));
  }

  async send(body: unknown, headers?: Record<string, string>): Promise<string> {
    const answer = await this.app<{ messageId: string }>('POST', '/messages', body, headers);
    if (answer.status !== 202) throw new Error(`send: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body.messageId;
  }

  async message(messageId: string): Promise<MessageReport> {
    return (await this.app<MessageReport>('GET', `/messages/${messageId}`)).body;
  }

  /** Reads the message until the condition holds; every report on the way must add up. */
  async waitFor(
    messageId: string,
    wanted: (report: MessageReport) => boolean = ({ state }) => state === 'finished',
    timeoutMs = 120_000,
    everyMs = 25,
  ): Promise<MessageReport> {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      const report = await this.message(messageId);
      const sum = Object.values(report.outcomes).reduce((total, count) => total + count, 0);
      if (sum !== report.audience) throw new Error(`outcomes sum to ${sum}: ${JSON.stringify(report)}`);
      if (wanted(report)) return report;
      if (Date.now() > deadline) throw new Error(`not as wanted in time: ${JSON.stringify(report)}`);
      await delay(everyMs);
    }
  }
}

/** An access token with exactly this scope, for the development client. */
export async function issueToken(url: string, scope: string): Promise<string> {
  const response = await requestToken(url, { id: 'test', secret: 'test', scope });
  return ((await response.json()) as { access_token: string }).access_token;
}

export function requestToken(
  url: string,
  { id, secret, scope }: { id: string; secret: string; scope: string },
): Promise<Response> {
  return fetch(`${url}/mfp/api/az/v1/token`, {
    method: 'POST',
    headers: {
      authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`,
      'content-type': 'application/x-www-form-urlencoded',
    },
    body: new URLSearchParams({ grant_type: 'client_credentials', scope }).toString(),
  });
}
