import * as http from 'node:http';
import * as https from 'node:https';
import type { LookupFunction } from 'node:net';
import { TunnelAgent, type Way } from './tunnel.js';

/** Longest answer: documents of keys and metadata have a few kilobytes. */
const LARGEST_ANSWER = 256 * 1_024;

type Init = {
  method?: string;
  headers?: ConstructorParameters<typeof Headers>[0];
  body?: unknown;
  signal?: AbortSignal | null;
};

/**
 * `fetch` for libraries that take one, with the authorities and the proxy of the settings and with a look-up, which
 * Node's has not. Follows no redirect; an answer of more than 256 KiB is an error.
 */
export function outgoingFetch({ ca, tunnel }: Way, lookup?: LookupFunction) {
  const options = { ...(ca !== undefined && { ca }), ...(lookup && { lookup }) };
  return async (url: string | URL, { method = 'GET', headers, body, signal }: Init = {}): Promise<Response> => {
    const isSecure = new URL(url).protocol === 'https:';
    const agent = isSecure && tunnel ? new TunnelAgent(options, tunnel) : undefined;
    const request = (isSecure ? https : http).request(url, {
      ...options,
      agent,
      method,
      headers: Object.fromEntries(new Headers(headers)),
      ...(signal && { signal }),
    });
    const answer = new Promise<http.IncomingMessage>((resolve, reject) => {
      request.once('response', resolve).once('error', reject);
    });
    request.end(body instanceof URLSearchParams ? body.toString() : body);
    const response = await answer;
    return new Response(await readWhole(response), {
      status: response.statusCode,
      headers: Object.entries(response.headers).map(([name, value]): [string, string] => [name, String(value)]),
    });
  };
}

async function readWhole(response: http.IncomingMessage): Promise<Buffer | null> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > LARGEST_ANSWER) throw new Error('the answer is too long');
    chunks.push(chunk);
  }
  // A Response with one of these statuses may have no body.
  return [204, 205, 304].includes(response.statusCode ?? 0) ? null : Buffer.concat(chunks);
}
