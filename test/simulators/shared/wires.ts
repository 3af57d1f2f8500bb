import type * as http from 'node:http';
import type { OutgoingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import type { Wire } from './exchange.js';
import type { Spoil } from './faults.js';
import type { Answer } from './provider.js';

/** Answers of front ends if the server behind is broken. */
const PAGE = '<!DOCTYPE html><title>Error</title><p>That is all we know.';

export class StreamWire implements Wire {
  constructor(private readonly stream: ServerHttp2Stream) {}

  get streamId(): number {
    return this.stream.id ?? 0;
  }

  isGone(): boolean {
    return this.stream.destroyed || this.stream.closed;
  }

  write(answer: Answer, spoil?: Spoil): void {
    const { headers, body } = spoilAnswer(answer, spoil);
    const isOpenEnded = spoil === 'headersOnly' || spoil === 'halfThenReset';
    const head: OutgoingHttpHeaders = { ':status': answer.status, ...headers };
    this.stream.respond(head, { endStream: body === '' && !isOpenEnded });
    if (spoil === 'headersOnly') return;
    // RST_STREAM INTERNAL_ERROR; `close` would end the body first, as if it were complete.
    if (spoil === 'halfThenReset') this.stream.write(body, () => this.stream.destroy(new Error(spoil)));
    else if (body !== '') this.stream.end(body);
  }

  reset(code: number): void {
    if (!this.isGone()) this.stream.close(code);
  }
}

/** HTTP/1.1 has no streams: the id is 0, and a reset ends the connection. */
export class ResponseWire implements Wire {
  readonly streamId = 0;

  constructor(private readonly response: http.ServerResponse) {}

  isGone(): boolean {
    return this.response.destroyed;
  }

  write(answer: Answer, spoil?: Spoil): void {
    const { headers, body } = spoilAnswer(answer, spoil);
    this.response.writeHead(answer.status, headers);
    if (spoil === 'headersOnly') this.response.flushHeaders();
    else if (spoil === 'halfThenReset') this.response.write(body, () => this.reset());
    else this.response.end(body);
  }

  reset(): void {
    this.response.destroy();
  }
}

function spoilAnswer({ headers, body }: Answer, spoil: Spoil | undefined): Pick<Answer, 'headers' | 'body'> {
  if (spoil === undefined) return { headers, body };
  if (spoil === 'notJson') return { headers: { ...headers, 'content-type': 'text/html' }, body: PAGE };
  const isWithout = spoil === 'headersOnly' || spoil === 'noBody';
  return { headers, body: isWithout ? '' : body.slice(0, Math.ceil(body.length / 2)) };
}
