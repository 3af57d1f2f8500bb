import { readEvents } from './events.js';
import type { EventsQuery, Read } from './events.js';
import { Devices } from './devices.js';
import { Messages } from './messages.js';
import { toQuery } from './routes.js';
import type { Answer, Call, Method, PathOf } from './routes.js';
import { Transport } from './transport.js';
import type { CallOptions } from './transport.js';

export * from './errors.js';
export type { Delivery, Message, Plan, Report, SendOptions, Sent } from './messages.js';
export type { CarillonEvent, EventsQuery, Read } from './events.js';
export type { Imported, Rejected } from './devices.js';
export type { Schemas } from './routes.js';
export type { CallOptions } from './transport.js';
export * as webhooks from './webhooks.js';

export interface CarillonOptions {
  /** Where the server is, as https://push.example.com; a path in front of its API is kept. */
  url: string;
  clientId: string;
  clientSecret: string;
  /** The application that the calls are about. */
  application: string;
  /** Of the token: sending and reading messages of the application, unless it is given. */
  scope?: string;
  /** RUNTIME_NAME of the server. */
  runtime?: string;
  /** Milliseconds that an attempt may take: 30,000. */
  timeout?: number;
  /** Further attempts after the first: 5. */
  retries?: number;
  /** In place of the global `fetch`, for example to go through a proxy. */
  fetch?: typeof fetch;
}

/** A client of Carillon's API. Keeps its token, tries again what may be tried again, and sends a message once. */
export class Carillon {
  readonly messages: Messages;
  readonly devices: Devices;
  /** Server, application and client, without the secret. */
  readonly target: Readonly<{ url: string; application: string; clientId: string }>;
  readonly #transport: Transport;
  readonly #base: string;
  readonly #known: Readonly<Record<string, string>>;

  constructor({ url, clientId, clientSecret, application, runtime = 'mfp', ...options }: CarillonOptions) {
    const scope = options.scope ?? `messages.write messages.read push.application.${application}`;
    const { timeout = 30_000, retries = 5, fetch = globalThis.fetch } = options;
    const authorization = (): string => `Basic ${toBase64(`${clientId}:${clientSecret}`)}`;
    const settings = { url: checkUrl(url), timeout, retries, fetch };
    this.target = { url: settings.url, application, clientId };
    this.#transport = new Transport(settings, authorization, `/${encodeURIComponent(runtime)}/api/az/v1/token`, scope);
    this.#known = { applicationId: application, runtimeName: runtime };
    const base = (this.#base = `/imfpush/v1/apps/${encodeURIComponent(application)}`);
    this.messages = new Messages(this.#transport, base);
    this.devices = new Devices(this.#transport, base);
  }

  /** Fetches a token, unless one is kept: a wrong secret shows at once. */
  async authenticate({ signal }: CallOptions = {}): Promise<void> {
    await this.#transport.authenticate(signal);
  }

  /** The events of the application as they happen, each once, over breaks of the connection; needs `events.read`. */
  events(query: EventsQuery = {}, options: CallOptions = {}): AsyncGenerator<Read, void, undefined> {
    return readEvents(this.#transport, `${this.#base}/events`, query, options);
  }

  /**
   * Any call of the API document: `request('get', '/imfpush/v1/apps/{applicationId}/providers')`. A POST is tried again
   * after a 429 alone, unless `headers` have an Idempotency-Key. The answer is undefined if it has no body.
   */
  request<M extends Method, P extends PathOf<M>>(
    method: M,
    path: P,
    { path: given, query, body, headers, ...options }: Call<M, P> & CallOptions = {},
  ): Promise<Answer<M, P>> {
    const values: Record<string, string> = { ...this.#known, ...(given as Record<string, string>) };
    const filled = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => {
      if (values[name] === undefined) throw new TypeError(`The path parameter ${name} is missing`);
      return encodeURIComponent(values[name]);
    });
    const hasKey = Object.keys(headers ?? {}).some((name) => name.toLowerCase() === 'idempotency-key');
    return this.#transport.any<Answer<M, P>>({
      ...options,
      method: method.toUpperCase(),
      path: `${filled}${toQuery(query)}`,
      headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
      body: body === undefined ? undefined : JSON.stringify(body),
      isRepeatable: method !== 'post' || hasKey,
    });
  }
}

function checkUrl(url: string): string {
  const { protocol, username, password } = new URL(url);
  if (!/^https?:$/.test(protocol)) throw new TypeError('url is not an http or https address');
  // A message of fetch would print them.
  if (username !== '' || password !== '')
    throw new TypeError('url has a user or a password: give clientId and clientSecret');
  return url.replace(/\/+$/, '');
}

function toBase64(text: string): string {
  return btoa(String.fromCharCode(...new TextEncoder().encode(text)));
}
