import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { runInNewContext } from 'node:vm';
import type { Api } from './api.js';

/**
 * Stands for the push service of a browser's vendor, which no test can reach: the browser's `PushManager` asks the site
 * for its subscription. Everything else in page and worker is the browser's own.
 */
const STUB = `
const bytesOf = (text) => Uint8Array.from(atob(text.replace(/-/g, '+').replace(/_/g, '/')), (sign) => sign.charCodeAt(0)).buffer;
const ask = async (method, body) => {
  const answer = await fetch('/browser', { method, body: body && JSON.stringify(body) });
  if (!answer.ok) throw new DOMException('Registration failed - push service error', 'AbortError');
  const told = await answer.json();
  if (!told.subscription) return null;
  return {
    endpoint: told.subscription.endpoint,
    options: { applicationServerKey: bytesOf(told.key) },
    toJSON: () => told.subscription,
    unsubscribe: async () => { await ask('DELETE'); return true; },
  };
};
PushManager.prototype.getSubscription = () => ask('GET');
PushManager.prototype.subscribe = ({ applicationServerKey }) => ask('POST', { key: applicationServerKey });
`;

type Handler = (request: object, answer: { sendStatus(status: number): void }) => Promise<void>;
/** Blocks of docs/web-push.md by their language: the page, the worker, the handler. */
const GUIDE = readFileSync('docs/web-push.md', 'utf8');
const [, GUIDE_PAGE = ''] = /```html\n([^]*?)```/.exec(GUIDE) ?? [];
const [, GUIDE_HANDLER = ''] = /```js\n(app\.post[^]*?)```/.exec(GUIDE) ?? [];

/** A site with a page, a worker, and a backend that registers its visitors as devices. */
export class PushSite {
  /** Status of the backend's answers. */
  backendStatus = 204;
  /** Ms until the key is answered. */
  keyDelay = 0;
  publicKey = '';
  /** Requests of the backend. */
  readonly told: { method: string; deviceId: string; token?: string }[] = [];
  /** Further files: path → type and content. */
  readonly files = new Map<string, [type: string, content: string]>();
  private readonly handlers = new Map<string, Handler>();
  private browser: { key: string; subscription: { endpoint: string } } | null = null;
  private readonly server = createServer((request, response) => void this.answer(request, response));

  constructor(
    private readonly sdk: string,
    private readonly api: Api,
    private readonly subscribe: (key: string) => Promise<{ endpoint: string }>,
  ) {
    this.files.set('/carillon-worker.js', ['text/javascript', this.workerScript()]);
    this.files.set('/', ['text/html', this.page()]);
    const keep = (method: string) => (_path: string, handler: Handler) => void this.handlers.set(method, handler);
    const call = async (method: string, path: string, body?: object): Promise<void> => {
      const { status } = await this.api.app(method, path, body);
      if (status >= 300) throw new Error(`${method} ${path}: ${status}`);
    };
    runInNewContext(GUIDE_HANDLER, { app: { post: keep('POST'), delete: keep('DELETE') }, carillon: call });
  }

  async start(): Promise<void> {
    await once(this.server.listen(0, '127.0.0.1'), 'listening');
  }

  stop(): void {
    this.server.closeAllConnections();
    this.server.close();
  }

  /** A secure context, though without TLS. */
  get url(): string {
    return `http://localhost:${(this.server.address() as AddressInfo).port}`;
  }

  /** The browser's vendor drops the subscription, and makes another if `renew`. */
  async dropSubscription(renew: boolean): Promise<void> {
    const key = this.browser?.key ?? this.publicKey;
    this.browser = renew ? { key, subscription: await this.subscribe(key) } : null;
  }

  workerScript(): string {
    return `importScripts('/stub.js');\nimportScripts('${this.sdk}');`;
  }

  page(options = ''): string {
    return `<!doctype html><title>Shop</title><script src="/stub.js"></script><script src="${this.sdk}"></script>
<button>Notify me</button><output></output>
<script>
const say = (text) => (document.querySelector('output').textContent = text);
addEventListener('error', ({ message }) => say('error ' + message));
const publicKey = async () => (await fetch('/key')).text();
const push = new CarillonWebPush({ publicKey, backend: '/push/device', ${options} });
document.querySelector('button').onclick = () => {
  say('…');
  push.subscribe({ tags: ['news'] }).then((id) => say('device ' + id), ({ code, message }) => say(code + ': ' + message));
};
</script>`;
  }

  /** The page of docs/web-push.md, with the addresses and the key of this site. */
  guidePage(): string {
    const page = GUIDE_PAGE.replace('https://push.example.com/sdk/carillon-web-push.js', this.sdk);
    return `<!doctype html><script src="/stub.js"></script>${page.replace('BP4K…', this.publicKey)}`;
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url?.replace(/\?.*/, '') ?? '';
    const body = await readBody(request);
    const send = (status: number, type: string, content: string): void =>
      void response.writeHead(status, { 'content-type': type }).end(content);
    if (path === '/stub.js') return send(200, 'text/javascript', STUB);
    if (path === '/key') {
      await delay(this.keyDelay);
      return send(200, 'text/plain', this.publicKey);
    }
    if (path === '/browser') {
      if (request.method === 'POST') {
        const { key } = JSON.parse(body) as { key: string };
        this.browser ??= { key, subscription: await this.subscribe(key) };
      }
      if (request.method === 'DELETE') this.browser = null;
      return send(200, 'application/json', JSON.stringify(this.browser ?? {}));
    }
    if (path === '/push/device') return send(await this.backend(request.method ?? '', body), 'text/plain', '');
    const [type, content] = this.files.get(path) ?? [];
    if (type === undefined || content === undefined) return send(404, 'text/html', 'no such page');
    return send(200, type, content);
  }

  private async backend(method: string, text: string): Promise<number> {
    const body = JSON.parse(text) as { deviceId: string; token?: string };
    this.told.push({ method, deviceId: body.deviceId, token: body.token });
    if (this.backendStatus !== 204) return this.backendStatus;
    return new Promise((sendStatus) => {
      const answered = this.handlers.get(method)!({ body, session: { userId: 'ann' } }, { sendStatus });
      answered.catch(() => sendStatus(502));
    });
  }
}

async function readBody(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts).toString('utf8');
}
