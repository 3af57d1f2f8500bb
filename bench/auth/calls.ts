import { request } from 'node:http';
import type { Agent } from 'node:http';

/** One call of a form endpoint, and many of them one after another. */

export const FORM = 'application/x-www-form-urlencoded';

export interface Call {
  path: string;
  authorization: string;
  body: string;
  /** The caller's address, in 127.0.0.0/8. */
  address: string;
}

/** Returns the status. */
export function post(url: URL, { path, authorization, body, address }: Call, agent: Agent): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = { authorization, 'content-type': FORM };
    const { hostname: host, port } = url;
    const sent = request({ host, port, path, method: 'POST', headers, agent, localAddress: address }, (response) =>
      response.resume().on('end', () => resolve(response.statusCode ?? 0)),
    );
    sent.on('error', reject).end(body);
  });
}

/** Good calls on `connections` for `ms`, each of which must succeed; returns their durations in ms. */
export async function callGood(
  url: URL,
  call: Call,
  agent: Agent,
  connections: number,
  windowMs: number,
): Promise<number[]> {
  const end = performance.now() + windowMs;
  const took: number[] = [];
  const worker = async (): Promise<void> => {
    while (performance.now() < end) {
      const started = performance.now();
      const status = await post(url, call, agent);
      if (status !== 200) throw new Error(`a good call was answered ${status}`);
      took.push(performance.now() - started);
    }
  };
  await Promise.all(Array.from({ length: connections }, worker));
  return took;
}
