import { sleep } from './attempt.js';
import { UnexpectedAnswerError } from './errors.js';
import { toQuery } from './routes.js';
import type { Answer, Call, Schemas } from './routes.js';
import type { CallOptions, Transport } from './transport.js';

const PATH = '/imfpush/v1/apps/{applicationId}/messages';
type Query<P extends '' | '/{messageId}/deliveries'> = Call<'get', `${typeof PATH}${P}`>['query'];

export type Message = Schemas['SendMessageDto'];
export type Plan = Schemas['DryRunAnswer'];
export type Report = Schemas['FullMessageAnswer'];
export type Delivery = Schemas['DeliveryAnswer'];
type Listed = Answer<'get', typeof PATH>['messages'][number];
type Explanation = Schemas['ExplanationAnswer'];

export interface Sent {
  messageId: string;
  /** Fields that the server has ignored, and other remarks. */
  warnings?: string[];
}

export interface SendOptions extends CallOptions {
  /** A name for this send, as the number of an order: a second call with it sends nothing. If omitted, one is made. */
  idempotencyKey?: string;
  /** False: the server ignores unknown fields with a warning; else it refuses them. */
  strict?: boolean;
}

const ENDED: ReadonlySet<Report['state']> = new Set(['finished', 'cancelled', 'expired']);
const FIRST_LOOK_MS = 250;
const LONGEST_LOOK_MS = 2_000;

export class Messages {
  readonly #transport: Transport;
  readonly #path: string;

  constructor(transport: Transport, base: string) {
    this.#transport = transport;
    this.#path = `${base}/messages`;
  }

  /** Sends a message once, however often the request has to be tried. */
  send(message: Message, { idempotencyKey = crypto.randomUUID(), ...options }: SendOptions = {}): Promise<Sent> {
    // fetch would report another key as a failed connection.
    if (!/^[\x21-\x7e]{1,255}$/.test(idempotencyKey))
      throw new TypeError('idempotencyKey is not 1 to 255 printable ASCII characters');
    return this.#post<Sent>(message, options, { 'idempotency-key': idempotencyKey });
  }

  /** Says how a message would be sent, and sends nothing. */
  plan(message: Message, options: Omit<SendOptions, 'idempotencyKey'> = {}): Promise<Plan> {
    return this.#post<Plan>({ ...message, dryRun: true }, options, {});
  }

  /** State, audience and outcomes. */
  get(messageId: string, options: CallOptions = {}): Promise<Report> {
    return this.#get<Report>(`${this.#path}/${encodeURIComponent(messageId)}`, options);
  }

  /** The messages of the application, the newest first. */
  list(query: Query<''> = {}, options: CallOptions = {}): AsyncGenerator<Listed, void, undefined> {
    return this.#pages<Listed>('messages', this.#path, query, options);
  }

  /** Every delivery of a message, once, in the order of the server. */
  deliveries(
    messageId: string,
    query: Query<'/{messageId}/deliveries'> = {},
    options: CallOptions = {},
  ): AsyncGenerator<Delivery, void, undefined> {
    const path = `${this.#path}/${encodeURIComponent(messageId)}/deliveries`;
    return this.#pages<Delivery>('deliveries', path, query, options);
  }

  /** The outcome of a message on one device, and its reason. */
  why(deviceId: string, messageId: string, options: CallOptions = {}): Promise<Explanation> {
    const path = `${this.#path.replace(/messages$/, 'devices')}/${encodeURIComponent(deviceId)}/messages`;
    return this.#get<Explanation>(`${path}${toQuery({ messageId })}`, options);
  }

  /** The reports of a message while it is sent; the last one is that of its end. */
  async *watch(messageId: string, options: CallOptions = {}): AsyncGenerator<Report, Report, undefined> {
    for (let wait = FIRST_LOOK_MS; ; wait = Math.min(LONGEST_LOOK_MS, wait * 1.5)) {
      const report = await this.get(messageId, options);
      yield report;
      if (ENDED.has(report.state)) return report;
      await sleep(wait, options.signal);
    }
  }

  /** The report of a message that has ended; give a signal to wait no longer than you want. */
  async waitFor(messageId: string, options: CallOptions = {}): Promise<Report> {
    const reports = this.watch(messageId, options);
    for (;;) {
      const { done, value } = await reports.next();
      if (done) return value;
    }
  }

  /** Cancels the deliveries that were not sent. */
  async cancel(messageId: string, options: CallOptions = {}): Promise<void> {
    const path = `${this.#path}/${encodeURIComponent(messageId)}`;
    await this.#transport.any({ ...options, method: 'DELETE', path, isRepeatable: true });
  }

  #get<T>(path: string, options: CallOptions): Promise<T> {
    return this.#transport.json<T>({ ...options, method: 'GET', path, isRepeatable: true });
  }

  #post<T>(
    body: Message,
    { strict = true, ...options }: Omit<SendOptions, 'idempotencyKey'>,
    headers: Record<string, string>,
  ): Promise<T> {
    return this.#transport.json<T>({
      ...options,
      method: 'POST',
      path: this.#path,
      headers: { 'content-type': 'application/json', ...headers, ...(strict ? { prefer: 'handling=strict' } : {}) },
      body: JSON.stringify(body),
      isRepeatable: true,
    });
  }

  /** An empty page does not end the walk, and a page that names itself as the next one does not go on for ever. */
  async *#pages<T>(
    key: 'messages' | 'deliveries',
    path: string,
    query: object,
    options: CallOptions,
  ): AsyncGenerator<T, void, undefined> {
    let after: string | undefined;
    for (;;) {
      const page = await this.#get<Partial<Record<typeof key, T[]>> & { next?: string }>(
        `${path}${toQuery({ ...query, ...(after === undefined ? {} : { after }) })}`,
        options,
      );
      yield* page[key] ?? [];
      if (page.next === undefined) return;
      if (page.next === after) throw new UnexpectedAnswerError('The answer names itself as its next page');
      after = page.next;
    }
  }
}
