import { request as httpRequest } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { issueToken } from '../../harness/api.js';
import type { Program } from '../../harness/program.js';
import { fillRoute } from '../../harness/routes.js';
import { PARAMETERS } from './row.js';
import type { Row } from './row.js';

export interface Answer {
  status: number;
  /** Undefined if there is none; bytes if it is not JSON. */
  body: unknown;
}

/** Sends rows to a running program, one after another. */
export class Caller {
  private readonly tokens = new Map<string, Promise<string>>();
  /** Ids from earlier answers, which later rows refer to. */
  private readonly named: Record<string, string> = {};

  constructor(private readonly program: Program) {}

  async play([endpoint, scope, , { path, query, headers, body, announced }]: Row): Promise<Answer> {
    const [method = '', route = ''] = endpoint.replace('…', '/apps/:applicationId').split(' ');
    const values = { ...PARAMETERS, ...this.named, ...path };
    const url = `${this.program.carillon.url}/imfpush/v1${fillRoute(route, values)}${query === undefined ? '' : `?${query}`}`;
    // A form sets its own type.
    const typed = (body !== undefined && !(body instanceof FormData)) || announced !== undefined;
    const init = {
      method,
      headers: {
        ...(scope !== '' && { authorization: `Bearer ${await this.token(scope, values.applicationId ?? '')}` }),
        ...(typed && { 'content-type': 'application/json' }),
        ...headers,
      },
    };
    const sent = typed && typeof body !== 'string' ? JSON.stringify(body) : (body as FormData | string | undefined);
    const answer =
      announced === undefined
        ? await readAnswer(await fetch(url, { ...init, body: sent }))
        : await announceBody(url, init, announced);
    this.learn(answer.body);
    return answer;
  }

  private learn(body: unknown): void {
    for (const name of ['messageId', 'subscriptionId']) {
      const value = (body as Record<string, unknown> | undefined)?.[name];
      if (typeof value === 'string') this.named[name] = value;
    }
  }

  private token(scope: string, applicationId: string): Promise<string> {
    const whole = scope.includes('push.application.') ? scope : `${scope} push.application.${applicationId}`;
    const token = this.tokens.get(whole) ?? issueToken(this.program.carillon.url, whole);
    this.tokens.set(whole, token);
    return token;
  }
}

async function readAnswer(response: Response): Promise<Answer> {
  const bytes = Buffer.from(await response.arrayBuffer());
  if (response.headers.get('content-type') === 'application/octet-stream')
    return { status: response.status, body: bytes };
  return { status: response.status, body: toBody(bytes) };
}

/**
 * Announces the length of the body and waits for the answer instead of sending it: a server that refuses the length
 * closes the connection, and a sender of megabytes may notice that before the answer.
 */
function announceBody(
  url: string,
  { method, headers }: { method: string; headers: Record<string, string> },
  length: number,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = httpRequest(url, { method, headers: { ...headers, 'content-length': length } }, (response) => {
      buffer(response)
        .then((bytes) => resolve({ status: response.statusCode ?? 0, body: toBody(bytes) }))
        .catch(reject)
        .finally(() => sent.destroy());
    });
    sent.on('error', reject);
    sent.flushHeaders();
  });
}

function toBody(bytes: Buffer): unknown {
  return bytes.length === 0 ? undefined : JSON.parse(bytes.toString());
}
