import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';

/** A request to a webhook. */
export interface Posted {
  headers: IncomingHttpHeaders;
  body: Buffer;
  type: string;
  id: string;
}

/** The endpoint of a webhook that takes every event. */
export class EventReceiver {
  posted: Posted[] = [];
  private readonly server = createServer((request, response) => {
    void buffer(request).then((body) => {
      const { type, id } = JSON.parse(body.toString()) as Posted;
      this.posted.push({ headers: request.headers, body, type, id });
      response.end();
    });
  });

  /** Returns its address. */
  async start(): Promise<string> {
    await once(this.server.listen(0, '127.0.0.1'), 'listening');
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/`;
  }

  /** Waits for these events, and returns all that came since the last call. */
  async take(ids: readonly string[], patienceMs: number): Promise<Posted[]> {
    const deadline = Date.now() + patienceMs;
    for (;;) {
      const missing = ids.filter((id) => !this.posted.some((each) => each.id === id));
      if (missing.length === 0) return this.posted.splice(0);
      if (Date.now() > deadline) throw new Error(`never posted: ${missing.join(', ')}`);
      await delay(50);
    }
  }

  stop(): void {
    this.server.closeAllConnections();
    this.server.close();
  }
}
