/** The part of the worker's global scope that the script uses: TypeScript has its types only without those of pages. */
export interface WorkerScope {
  registration: ServiceWorkerRegistration;
  clients: {
    matchAll(options: { type: 'window'; includeUncontrolled?: boolean }): Promise<WindowClient[]>;
    openWindow(url: string): Promise<unknown>;
  };
  addEventListener(type: 'push', listener: (event: PushEvent) => void): void;
  addEventListener(type: 'notificationclick' | 'notificationclose', listener: (event: ShownEvent) => void): void;
  addEventListener(type: 'pushsubscriptionchange', listener: (event: LastingEvent) => void): void;
}

export interface LastingEvent {
  waitUntil(work: Promise<unknown>): void;
}

export interface PushEvent extends LastingEvent {
  data: { json(): unknown } | null;
}

export interface ShownEvent extends LastingEvent {
  /** Empty: the notification itself. */
  action: string;
  notification: { data: unknown; close(): void };
}

export interface WindowClient {
  url: string;
  focus(): Promise<WindowClient>;
  navigate(url: string): Promise<unknown>;
}
