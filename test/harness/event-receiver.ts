import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';

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

  stop(): void {
    this.server.closeAllConnections();
    this.server.close();
  }
}
