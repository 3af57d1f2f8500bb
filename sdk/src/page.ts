import { PushError } from './push-error.js';
import { callBackend, registerDevice } from './registration.js';
import { clearState, readState, writeState } from './state.js';
import type { State } from './state.js';

export interface Options {
  /** The application's VAPID key, or a function that fetches it. */
  publicKey: string | (() => Promise<string>);
  /** Address at the site's backend that takes POST and DELETE; with the cookies of the site. */
  backend: string;
  /** Default `/carillon-worker.js`. */
  worker?: string;
  /** Default: the folder of the worker. */
  scope?: string;
  /** Address of the application at Carillon, if the application sends receipt tokens and allows this site. */
  receipts?: string;
}

type Status = 'unsupported' | 'denied' | 'default' | 'unsubscribed' | 'subscribed';

/** Until the worker is active, ms. */
const WORKER_MS = 5_000;

/**
 * One browser as a device of the application. Make it at each load: a registration that failed before is repeated then.
 */
export class CarillonWebPush {
  readonly supported: boolean;
  /** Why it is not supported, or empty. */
  readonly reason: string;

  constructor(private readonly options: Options) {
    this.reason = missingPart();
    this.supported = this.reason === '';
    if (this.supported && Notification.permission === 'granted') this.renew().catch(() => {});
  }

  async status(): Promise<Status> {
    if (!this.supported) return 'unsupported';
    if (Notification.permission !== 'granted') return Notification.permission;
    const registration = await this.find();
    return registration && (await registration.pushManager.getSubscription()) ? 'subscribed' : 'unsubscribed';
  }

  /** Call it first thing in the handler of a click. Resolves with the device id when the backend has the device. */
  subscribe({ tags }: { tags?: string[] } = {}): Promise<string> {
    if (!this.supported) return Promise.reject(new PushError('unsupported', this.reason));
    // Browsers ask only while the click lasts, so nothing may be awaited before.
    const asked = Notification.requestPermission();
    const key = this.key();
    key.catch(() => {});
    return (async () => {
      const permission = await asked;
      if (permission !== 'granted') throw new PushError('permission', permission);
      const registration = await this.startWorker();
      const kept = await readState(registration);
      const state = { ...kept, ...this.places(), tags: tags ?? kept?.tags, publicKey: await key };
      const known = { ...state, deviceId: kept?.deviceId ?? crypto.randomUUID() };
      await writeState(registration, known);
      await registerDevice(registration, known, true);
      return known.deviceId;
    })();
  }

  /** Registers the device once more, for a person that has signed in, or with other tags. */
  async update({ tags }: { tags?: string[] } = {}): Promise<void> {
    await this.renew(true, tags);
  }

  async unsubscribe(): Promise<void> {
    const registration = this.supported ? await this.find() : undefined;
    const state = registration && (await readState(registration));
    if (!registration || !state) return;
    await (await registration.pushManager.getSubscription())?.unsubscribe();
    await clearState(registration);
    await callBackend(state.backend, 'DELETE', { deviceId: state.deviceId });
  }

  private async renew(always = false, tags?: string[]): Promise<void> {
    const registration = await this.find();
    const state = registration && (await readState(registration));
    if (!registration || !state) return;
    const present: State = { ...state, ...this.places(), tags: tags ?? state.tags, publicKey: await this.key() };
    await registerDevice(registration, present, always);
  }

  private places(): Pick<State, 'backend' | 'receipts'> {
    const { backend, receipts } = this.options;
    const absolute = (address: string): string => new URL(address, location.href).href;
    return { backend: absolute(backend), receipts: receipts === undefined ? undefined : absolute(receipts) };
  }

  private async key(): Promise<string> {
    const { publicKey } = this.options;
    return typeof publicKey === 'string' ? publicKey : publicKey();
  }

  private get worker(): { url: string; scope: string } {
    const url = new URL(this.options.worker ?? '/carillon-worker.js', location.href);
    return { url: url.href, scope: new URL(this.options.scope ?? './', url).href };
  }

  private async find(): Promise<ServiceWorkerRegistration | undefined> {
    const found = await navigator.serviceWorker.getRegistration(this.worker.scope);
    return found?.scope === this.worker.scope ? found : undefined;
  }

  private async startWorker(): Promise<ServiceWorkerRegistration> {
    const { url, scope } = this.worker;
    const found = await this.find();
    const script = (found?.installing ?? found?.waiting ?? found?.active)?.scriptURL;
    // To register a worker would replace the one that is there.
    if (script && script !== url) throw new PushError('worker', `${script} has the scope ${scope}: name it as worker`);
    const failed = (error: unknown): never => {
      throw new PushError('worker', String(error));
    };
    const registration = await navigator.serviceWorker.register(url, { scope, updateViaCache: 'none' }).catch(failed);
    if (!registration.active) await activation(registration).catch(failed);
    return registration;
  }
}

/** `navigator.serviceWorker.ready` would wait for ever if the worker's scope is not the page's. */
function activation({ installing, waiting }: ServiceWorkerRegistration): Promise<void> {
  const worker = installing ?? waiting;
  return new Promise((resolve, reject) => {
    setTimeout(() => reject(new Error(`not active after ${WORKER_MS} ms`)), WORKER_MS);
    worker?.addEventListener('statechange', () => {
      if (worker.state === 'activated') resolve();
      if (worker.state === 'redundant') reject(new Error('the script failed'));
    });
  });
}

function missingPart(): string {
  if (!globalThis.isSecureContext) return 'the page needs https';
  if (!('serviceWorker' in navigator)) return 'the browser has no service workers, or this window is private';
  if (!('PushManager' in globalThis) || !('Notification' in globalThis))
    return 'the browser has no Web Push; on iOS the site has to be on the home screen';
  return '';
}
