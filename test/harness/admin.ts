/** Calls of the administration API. */

export interface AdminAnswer<T> {
  status: number;
  headers: Headers;
  body: T;
}

export interface ListedClient {
  id: string;
  displayName: string;
  allowedScope: string;
  enabled: boolean;
  lastUsedTime?: string;
  secrets: { createdTime: string; expiresTime?: string }[];
}

export const RUNTIME = '/mfpadmin/management-apis/2.0/runtimes/mfp';

export function basic(id: string, secret: string): string {
  return `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`;
}

export class Admin {
  constructor(
    private readonly url: string,
    private readonly authorization = basic('test', 'test'),
  ) {}

  /** `path`: relative to the runtime's path. */
  async call<T = Record<string, unknown>>(method: string, path: string, body?: unknown): Promise<AdminAnswer<T>> {
    const response = await fetch(`${this.url}${RUNTIME}${path}`, {
      method,
      headers: {
        authorization: this.authorization,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await response.text();
    return {
      status: response.status,
      headers: response.headers,
      body: (text === '' ? undefined : JSON.parse(text)) as T,
    };
  }

  /** Creates a client; returns its secret. */
  async addClient(id: string, allowedScope: string): Promise<string> {
    const answer = await this.call<{ secret: string }>('POST', '/confidentialclients', { id, allowedScope });
    if (answer.status !== 201) throw new Error(`client ${id}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body.secret;
  }
}
