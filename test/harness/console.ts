import { setTimeout as delay } from 'node:timers/promises';
import type { Answer } from './api.js';

/** Calls of the console's page: with its headers, and with the cookies that a browser would keep. */
export class ConsoleCaller {
  private readonly jar = new Map<string, string>();

  constructor(
    readonly url: string,
    /** Headers of the browser, or of a proxy in front. */
    private readonly headers: Record<string, string> = { 'sec-fetch-site': 'same-origin' },
  ) {}

  get cookies(): string {
    return [...this.jar].map(([name, value]) => `${name}=${value}`).join('; ');
  }

  /** A caller with the same cookies, which are then their own. */
  copy(headers = this.headers): ConsoleCaller {
    const copy = new ConsoleCaller(this.url, headers);
    for (const [name, value] of this.jar) copy.jar.set(name, value);
    return copy;
  }

  async fetch(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Response> {
    const answer = await fetch(new URL(path, this.url), {
      method,
      redirect: 'manual',
      headers: {
        'carillon-console': '1',
        ...this.headers,
        ...(this.jar.size > 0 && { cookie: this.cookies }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    for (const text of answer.headers.getSetCookie()) this.keep(text);
    return answer;
  }

  async call<T = Record<string, unknown>>(
    method: string,
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
  ): Promise<Answer<T>> {
    const answer = await this.fetch(method, path, body, headers);
    const text = await answer.text();
    return { status: answer.status, headers: answer.headers, body: (text === '' ? undefined : JSON.parse(text)) as T };
  }

  signIn(clientId = 'test', clientSecret = 'test') {
    return this.call('POST', '/console/api/session', { clientId, clientSecret });
  }

  /** The milliseconds until a call is answered with this status. */
  async waitFor(status: number, path = '/console/api/session', most = 10_000): Promise<number> {
    const started = performance.now();
    for (;;) {
      const answer = await this.fetch('GET', path);
      const ms = performance.now() - started;
      if (answer.status === status) return ms;
      if (ms > most) throw new Error(`${path} is ${answer.status} after ${Math.round(ms)} ms`);
      await delay(20);
    }
  }

  private keep(text: string): void {
    const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(text) ?? [];
    if (/max-age=0/i.test(text)) this.jar.delete(name);
    else this.jar.set(name, value);
  }
}
