import { request } from 'node:https';
import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http';

/** node:https as a second client beside the project's, for simulators that speak HTTP/1.1. */

export interface H1Outcome {
  status: number;
  headers: IncomingHttpHeaders;
  text: string;
}

/** Content-Length is sent unless `headers` say otherwise. */
export function post(url: string, ca: string, headers: OutgoingHttpHeaders, body: string): Promise<H1Outcome> {
  const length = 'transfer-encoding' in headers ? {} : { 'content-length': Buffer.byteLength(body) };
  return new Promise((resolve, reject) => {
    const sent = request(url, { method: 'POST', ca, headers: { ...length, ...headers } }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text }));
    });
    sent.on('error', reject).end(body);
  });
}

export async function postForm(url: string, ca: string, form: Record<string, string>) {
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  const { status, text } = await post(url, ca, headers, new URLSearchParams(form).toString());
  return { status, json: JSON.parse(text) as Record<string, unknown> };
}
